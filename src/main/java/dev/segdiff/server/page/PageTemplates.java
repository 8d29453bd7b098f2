package dev.segdiff.server.page;

import dev.segdiff.run.RunReport;
import dev.segdiff.server.page.PageView.Viewer;
import io.quarkus.qute.CheckedTemplate;
import io.quarkus.qute.TemplateInstance;

/** The templates of the pages. The build checks that the templates fit the data that they show. */
@CheckedTemplate(basePath = "")
public final class PageTemplates {
    private PageTemplates() {}

    static native TemplateInstance page(PageView view);

    static native TemplateInstance run(RunView view);

    static native TemplateInstance login(String error);

    public static native TemplateInstance error(String error, String requestId);

    /** A run with everything that the ledger knows about it. */
    record RunView(Viewer viewer, RunReport run, String started, String took, String counts, boolean live) {}
}
