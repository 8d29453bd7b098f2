package dev.segdiff;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.library.Architectures;
import com.tngtech.archunit.library.dependencies.SlicesRuleDefinition;
import dev.segdiff.run.Job;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The rooms and the arrows between them, as the README draws them. */
class ArchitectureTest {
    private static final JavaClasses CODE = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.segdiff");

    /** From the top floor to the ground: a room knows only rooms of floors below its own. */
    private static final List<List<String>> FLOORS = List.of(
            List.of("cli"),
            List.of("server", "demo"),
            List.of("segment", "event", "audit", "index", "partitioning"),
            List.of("trash", "table"),
            List.of("pace"),
            List.of("run"),
            List.of("db"));

    /** What only the command line and the features may use: batches and tables are their business. */
    private static final Set<String> HIDDEN_FROM_SERVER = Set.of("pace", "table");

    @Test
    void roomsKnowOnlyTheFloorsBelowThem() {
        Architectures.LayeredArchitecture house =
                layeredArchitecture().consideringOnlyDependenciesInAnyPackage("dev.segdiff..");
        house = house.layer("main").definedBy("dev.segdiff");
        for (String room : FLOORS.stream().flatMap(List::stream).toList()) {
            house = house.layer(room).definedBy("dev.segdiff." + room + "..");
        }
        house = house.whereLayer("main").mayNotBeAccessedByAnyLayer();
        List<String> above = new ArrayList<>(List.of("main"));
        for (List<String> floor : FLOORS) {
            for (String room : floor) {
                List<String> askers = above.stream()
                        .filter(asker -> !HIDDEN_FROM_SERVER.contains(room) || !asker.equals("server"))
                        .toList();
                house = house.whereLayer(room).mayOnlyBeAccessedByLayers(askers.toArray(String[]::new));
            }
            above.addAll(floor);
        }
        house.check(CODE);
    }

    @Test
    void noRoomIsPartOfACircle() {
        SlicesRuleDefinition.slices()
                .matching("dev.segdiff.(**)")
                .should()
                .beFreeOfCycles()
                .check(CODE);
    }

    @Test
    void everyRoomHasItsFloor() {
        Set<String> rooms = CODE.stream()
                .map(JavaClass::getPackageName)
                .filter(name -> name.startsWith("dev.segdiff."))
                .map(name -> name.split("\\.")[2])
                .collect(Collectors.toCollection(TreeSet::new));

        assertThat(FLOORS.stream().flatMap(List::stream)).containsExactlyInAnyOrderElementsOf(rooms);
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
                .andShould()
                .haveSimpleNameEndingWith("Command")
                .check(CODE);
    }

    @Test
    void linesAndFilesOfSqlFitOnAScreen() throws IOException {
        try (Stream<Path> files =
                Stream.concat(Files.walk(Path.of("src/main/sql")), Files.walk(Path.of("src/main/java")))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                List<String> lines = Files.readAllLines(file);
                assertThat(lines).as(file.toString()).allMatch(line -> line.length() <= 120);
                assertThat(lines)
                        .as(file.toString())
                        .hasSizeLessThan(file.toString().endsWith(".sql") ? 250 : 300);
            }
        }
    }

    /** Constructors are left out: the container fills in their parameters. */
    @Test
    void noMethodHasMoreThanFourParameters() {
        methods()
                .that()
                .doNotHaveModifier(JavaModifier.SYNTHETIC)
                .should(new ArchCondition<>("have at most four parameters") {
                    @Override
                    public void check(JavaMethod method, ConditionEvents events) {
                        int parameters = method.getRawParameterTypes().size();
                        events.add(new SimpleConditionEvent(
                                method, parameters <= 4, method.getFullName() + " has " + parameters));
                    }
                })
                .check(CODE);
    }
}
