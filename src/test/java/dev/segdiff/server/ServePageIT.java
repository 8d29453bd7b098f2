package dev.segdiff.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.segdiff.support.Served;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The page, as a browser without scripts meets it. */
class ServePageIT extends ServeFixture {
    private static final Pattern KEY = Pattern.compile("name=\"key\" value=\"([^\"]+)\"");

    @Test
    void pageNeedsALoginAndItsFormsAKey() throws IOException {
        try (Served served = serveWithTokens()) {
            assertThat(served.get("/").headers().firstValue("Location")).hasValue("/login");
            assertThat(login(served, "wrong").statusCode()).isEqualTo(401);
            String cookie =
                    login(served, ADMIN).headers().firstValue("Set-Cookie").orElseThrow();
            assertThat(cookie)
                    .contains("HttpOnly")
                    .containsIgnoringCase("SameSite=Strict")
                    .contains("Path=/");
            String session = cookie.substring(0, cookie.indexOf(';'));

            HttpResponse<String> page = served.get("/", "Cookie", session);
            assertThat(page.body()).contains("event-expiry").contains("Run now");
            assertThat(page.headers().firstValue("Content-Security-Policy"))
                    .get()
                    .asString()
                    .contains("default-src 'none'");
            Matcher key = KEY.matcher(page.body());
            assertThat(key.find()).isTrue();

            for (String form :
                    List.of("", "key=", "key=" + key.group(1).replace('a', 'b').replace('A', 'B') + "x")) {
                assertThat(form(served, "/jobs/event-expiry/runs", form, session)
                                .statusCode())
                        .isEqualTo(403);
            }
            assertThat(form(served, "/jobs/event-expiry/runs", "key=" + key.group(1), "segdiff_session=x")
                            .statusCode())
                    .isEqualTo(401);
            assertThat(db.value("select count(*) from segdiff.runs")).isEqualTo("0");
            assertThat(form(served, "/jobs/event-expiry/runs", "key=" + key.group(1), session)
                            .statusCode())
                    .isEqualTo(303);
            assertThat(db.value("select actor from segdiff.runs")).isEqualTo("root");
            assertThat(served.get("/api/runs", "Cookie", session).statusCode()).isEqualTo(200);
        }
    }

    @Test
    void peopleGetPagesWhereProgramsGetJson() throws IOException {
        String[] asABrowser = {"Accept", "text/html,*/*"};
        try (Served served = serveWithTokens()) {
            HttpResponse<String> unknown = served.get("/nope", asABrowser);
            assertThat(unknown.statusCode()).isEqualTo(404);
            assertThat(unknown.body()).contains("<!doctype html>", "there is nothing here");
            HttpResponse<String> ended = served.send(
                    "POST",
                    "/jobs/event-expiry/runs",
                    "key=x",
                    "Accept",
                    "text/html",
                    "Content-Type",
                    "application/x-www-form-urlencoded");
            assertThat(ended.statusCode()).isEqualTo(303);
            assertThat(ended.headers().firstValue("Location")).hasValue("/login");
        }
    }

    @Test
    void cookieBehindAProxyThatSpeaksTlsIsSecure() throws IOException {
        segdiff.with("QUARKUS_HTTP_PROXY_PROXY_ADDRESS_FORWARDING", "true")
                .with("QUARKUS_HTTP_PROXY_TRUSTED_PROXIES", "127.0.0.1");
        try (Served served = serveWithTokens()) {
            HttpResponse<String> login = served.send(
                    "POST",
                    "/login",
                    "token=" + ADMIN,
                    "Content-Type",
                    "application/x-www-form-urlencoded",
                    "X-Forwarded-Proto",
                    "https");

            assertThat(login.headers().firstValue("Set-Cookie"))
                    .get()
                    .asString()
                    .contains("Secure");
            assertThat(login.headers().firstValue("Location")).hasValue("/");
        }
    }

    @Test
    void pageShowsTheIndexesThatNeedAPersonFirst() throws IOException {
        db.execute(
                "create index faulty on segdiff.segments (source)",
                "update pg_index set indisvalid = false where indexrelid = 'segdiff.faulty'::regclass");
        try (Served served = serve()) {
            String page = served.get("/").body();

            assertThat(page.substring(page.indexOf("id=\"indexes\"")))
                    .containsSubsequence("segdiff.faulty", "<span class=\"badge missed\">invalid</span>", "segdiff.");
        }
    }

    @Test
    void readerSeesThePageAndNoButtons() throws IOException {
        try (Served served = serveWithTokens()) {
            String cookie =
                    login(served, READER).headers().firstValue("Set-Cookie").orElseThrow();
            String session = cookie.substring(0, cookie.indexOf(';'));

            assertThat(served.get("/", "Cookie", session).body())
                    .contains("event-expiry")
                    .doesNotContain("Run now");
            assertThat(form(served, "/jobs/event-expiry/runs", "key=x", session).statusCode())
                    .isEqualTo(403);
        }
    }

    private static HttpResponse<String> login(Served served, String token) {
        return served.send("POST", "/login", "token=" + token, "Content-Type", "application/x-www-form-urlencoded");
    }

    private static HttpResponse<String> form(Served served, String path, String body, String cookie) {
        return served.send("POST", path, body, "Content-Type", "application/x-www-form-urlencoded", "Cookie", cookie);
    }
}
