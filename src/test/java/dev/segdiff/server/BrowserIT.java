package dev.segdiff.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.Await;
import dev.segdiff.support.Segdiff;
import dev.segdiff.support.Served;
import dev.segdiff.support.TestDatabase;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.openqa.selenium.By;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.Keys;
import org.openqa.selenium.NoSuchElementException;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.StaleElementReferenceException;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;

/** The page in Chromium, as an operator uses it. Pictures of it are left in target/screenshots. */
class BrowserIT {
    private static final File DRIVER = new File("/usr/bin/chromedriver");
    private static final String TOKEN = "0123456789abcdef-anna";

    @RegisterExtension
    final TestDatabase db = new TestDatabase();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    Path directory;

    @SuppressWarnings("NullAway.Init")
    private Served served;

    @SuppressWarnings("NullAway.Init")
    private ChromeDriver browser;

    @BeforeEach
    void serve() throws IOException {
        if (!DRIVER.exists()) {
            System.err.println("NO CHROMIUM AND CHROMEDRIVER: THE PAGE IS NOT TESTED IN A BROWSER");
            Assumptions.abort("no " + DRIVER);
        }
        db.execute(
                "create table event (created_at timestamptz not null)",
                "insert into event select now() - interval '100 days' - i * interval '1 s' from generate_series(1, 5600) i",
                "insert into event select now() from generate_series(1, 400) i",
                "create index on event (created_at)",
                "analyze event",
                "create table audience (contact_id bigint)",
                "insert into audience select generate_series(1, 500)");
        Path tokens = Files.writeString(directory.resolve("tokens"), "anna run " + TOKEN);
        served = Served.start(
                new Segdiff(directory)
                        .on(db)
                        .with("SEGDIFF_API_TOKENS_FILE", tokens.toString())
                        .with("SEGDIFF_SCHEDULE_CRON_SEGMENT_DIFF", "off")
                        .withPolicy("AUDIT", "public.event", "90d"),
                directory);
        history();
        Await.until("it is ready", () -> served.status("/q/health/ready") == 200);
    }

    /** Thirty days of a segment, and a run of each kind. */
    private void history() {
        db.execute(
                "insert into segdiff.segments (customer_id, segment_id, source) values (7, 42, 'audience')", """
                insert into segdiff.segment_versions (version, customer_id, segment_id, day, contacts, added, removed, baseline)
                select i, 7, 42, current_date - 31 + i, 500, (i * 7) % 13, (i * 5) % 11, i = 1 from generate_series(1, 30) i
                """, """
                insert into segdiff.runs (job, trigger, worker, day, dry_run, began, started_at, ended_at, outcome, reason)
                select 'segment-diff', 'COMMAND', 'pod-' || i, current_date - 31 + i, i = 12, true, now() - (31 - i) * interval '1 day',
                    now() - (31 - i) * interval '1 day' + interval '3 s',
                    (array['SUCCEEDED','SUCCEEDED','SUCCEEDED','SKIPPED','SUCCEEDED','INTERRUPTED','SUCCEEDED','FAILED','SUCCEEDED','REFUSED'])[1 + i % 10],
                    'as it went'
                from generate_series(1, 30) i
                """);
    }

    @AfterEach
    void stop() {
        if (browser != null) {
            browser.quit();
        }
        if (served != null) {
            served.close();
        }
    }

    private void open(String... options) {
        ChromeOptions chrome = new ChromeOptions();
        chrome.setBinary("/usr/bin/chromium");
        chrome.addArguments(
                "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking");
        chrome.addArguments(options);
        browser = new ChromeDriver(
                new ChromeDriverService.Builder()
                        .usingDriverExecutable(DRIVER)
                        .usingAnyFreePort()
                        .build(),
                chrome);
        browser.manage().window().setSize(new Dimension(1280, 1100));
    }

    private void logIn(String token) {
        browser.get(served.url("/"));
        browser.findElement(By.id("token")).sendKeys(token, Keys.ENTER);
    }

    private void picture(String name) throws IOException {
        Path pictures = Files.createDirectories(Path.of("target", "screenshots"));
        Files.write(pictures.resolve(name + ".png"), browser.getScreenshotAs(OutputType.BYTES));
    }

    /** Nothing while the page refreshes itself. */
    private String text(String css) {
        try {
            return browser.findElement(By.cssSelector(css)).getText();
        } catch (StaleElementReferenceException | NoSuchElementException e) {
            return "";
        }
    }

    private static String card(String job) {
        return "article[aria-labelledby='job-" + job + "']";
    }

    private void press(String job, String button) {
        browser.findElements(By.cssSelector(card(job) + " button")).stream()
                .filter(found -> found.getText().startsWith(button))
                .findFirst()
                .orElseThrow()
                .click();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void operatorLogsInRunsAJobAndSeesItFinish(boolean script) throws IOException {
        open(script ? "--enable-javascript" : "--blink-settings=scriptEnabled=false");
        logIn("wrong-wrong-wrong");
        assertThat(text("[role=alert]")).isEqualTo("The token is unknown or has expired.");
        logIn(TOKEN);
        assertThat(text(card("event-expiry"))).contains("goal missed");
        picture(script ? "page" : "page-without-script");

        press("event-expiry", "Run now");

        Await.until(
                "it lives",
                () -> text(card("event-expiry")).contains("Stop")
                        || db.value("select count(*) from event").equals("400"));
        picture(script ? "running" : "running-without-script");
        Await.until("it has finished", () -> text(card("event-expiry")).contains("goal met"));
        assertThat(browser.findElements(By.cssSelector(card("event-expiry") + " .cell.succeeded")))
                .hasSize(1);
        assertThat(db.value("select actor from segdiff.runs where job = 'event-expiry'"))
                .isEqualTo("anna");
    }

    @Test
    void dryRunTellsWhatItWouldDo() throws IOException {
        open();
        logIn(TOKEN);

        press("event-expiry", "Dry run");

        Await.until("it tells", () -> browser.getPageSource().contains("What it would have run"));
        assertThat(text("article")).contains("delete from \"public\".\"event\"");
        assertThat(db.value("select count(*) from event")).isEqualTo("6000");
        picture("dry-run");
    }

    @Test
    void everythingIsReachedByKeyboardAndHasAName() {
        open();
        logIn(TOKEN);

        for (WebElement control :
                browser.findElements(By.cssSelector("a, button, input:not([type=hidden]), progress, svg[role=img]"))) {
            assertThat(control.getAccessibleName())
                    .as(control.getDomProperty("outerHTML"))
                    .isNotBlank();
        }
        List<String> buttons = browser.findElements(By.cssSelector("form.run button")).stream()
                .map(WebElement::getAccessibleName)
                .toList();
        assertThat(buttons).doesNotHaveDuplicates().contains("Run now: event-expiry", "Dry run: event-expiry");
        assertThat(browser.findElement(By.tagName("html")).getDomAttribute("lang"))
                .isEqualTo("en");
        Await.until("tabs reach the button", () -> {
            browser.switchTo().activeElement().sendKeys(Keys.TAB);
            return "Run now: event-expiry"
                    .equals(browser.switchTo().activeElement().getAccessibleName());
        });
    }

    @Test
    void narrowAndDarkScreensShowItAll() throws IOException {
        open();
        logIn(TOKEN);
        browser.executeCdpCommand(
                "Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", "dark"))));
        picture("page-dark");
        browser.executeCdpCommand(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", 390, "height", 1600, "deviceScaleFactor", 1, "mobile", true));
        picture("page-narrow");

        Object overflow = browser.executeScript("return document.documentElement.scrollWidth - window.innerWidth");
        assertThat((Long) overflow).isLessThanOrEqualTo(0);
        assertThat((String) browser.executeScript("return getComputedStyle(document.body).backgroundColor"))
                .isEqualTo("rgb(15, 20, 27)");
        assertThat(browser.manage().logs().get("browser").getAll()).isEmpty();
    }
}
