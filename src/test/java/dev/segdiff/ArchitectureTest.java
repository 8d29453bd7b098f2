package dev.segdiff;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.segdiff.run.Job;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.Statement;
import org.junit.jupiter.api.Test;

/** The rooms and the arrows between them, as the README draws them. */
class ArchitectureTest {
    private static final JavaClasses CODE = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.segdiff");

    @Test
    void roomsKnowOnlyTheRoomsBelowThem() {
        layeredArchitecture()
                .consideringOnlyDependenciesInAnyPackage("dev.segdiff..")
                .layer("main")
                .definedBy("dev.segdiff")
                .layer("cli")
                .definedBy("dev.segdiff.cli..")
                .layer("server")
                .definedBy("dev.segdiff.server..")
                .layer("demo")
                .definedBy("dev.segdiff.demo..")
                .layer("segment")
                .definedBy("dev.segdiff.segment..")
                .layer("event")
                .definedBy("dev.segdiff.event..")
                .layer("audit")
                .definedBy("dev.segdiff.audit..")
                .layer("index")
                .definedBy("dev.segdiff.index..")
                .layer("run")
                .definedBy("dev.segdiff.run..")
                .layer("db")
                .definedBy("dev.segdiff.db..")
                .whereLayer("main")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("cli")
                .mayOnlyBeAccessedByLayers("main")
                .whereLayer("server")
                .mayOnlyBeAccessedByLayers("cli")
                .whereLayer("demo")
                .mayOnlyBeAccessedByLayers("cli")
                .whereLayer("segment")
                .mayOnlyBeAccessedByLayers("cli", "server", "demo")
                .whereLayer("event")
                .mayOnlyBeAccessedByLayers("cli", "server", "demo")
                .whereLayer("audit")
                .mayOnlyBeAccessedByLayers("cli")
                .whereLayer("index")
                .mayOnlyBeAccessedByLayers("cli", "server")
                .whereLayer("run")
                .mayOnlyBeAccessedByLayers("main", "cli", "server", "demo", "segment", "event", "audit", "index")
                .check(CODE);
    }

    @Test
    void onlyTheDatabaseRoomSpeaksJdbc() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.segdiff.db..")
                .should()
                .dependOnClassesThat()
                .belongToAnyOf(Connection.class, Statement.class, PreparedStatement.class)
                .check(CODE);
    }

    @Test
    void jobsHoldNoSqlButAskTheirQueries() {
        noClasses()
                .that()
                .implement(Job.class)
                .should()
                .callMethodWhere(com.tngtech.archunit.core.domain.JavaCall.Predicates.target(
                        com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner(
                                com.tngtech.archunit.core.domain.JavaClass.Predicates.type(
                                        dev.segdiff.db.Session.class))))
                .check(CODE);
    }

    @Test
    void commandsAreFoundInOnePlace() {
        classes()
                .that()
                .areAnnotatedWith(picocli.CommandLine.Command.class)
                .should()
                .resideInAPackage("dev.segdiff.cli")
                .check(CODE);
    }
}
