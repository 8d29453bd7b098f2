package dev.segdiff.server.page;

import dev.segdiff.run.RunReport;
import dev.segdiff.server.page.PageView.Viewer;
import io.quarkus.qute.CheckedTemplate;
import io.quarkus.qute.TemplateInstance;

/** The templates, checked against what they show when the program is built. */
@CheckedTemplate(basePath = "")
public final class PageTemplates {
    private PageTemplates() {}

    static native TemplateInstance page(PageView view);

    static native TemplateInstance run(RunView view);

    static native TemplateInstance login(String error);

    public static native TemplateInstance error(String error, String requestId);

    /** A run with all that the ledger knows of it. */
    record RunView(Viewer viewer, RunReport run, String started, String took, String counts, boolean live) {}
}
