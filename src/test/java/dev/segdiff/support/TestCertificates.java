package dev.segdiff.support;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** An authority of its own, and a server's certificate for {@code localhost} that it has signed, as PEM files. */
public final class TestCertificates {
    private static final String PASSWORD = "changeit";
    private static final Base64.Encoder PEM = Base64.getMimeEncoder(64, new byte[] {'\n'});

    private final Path directory;

    public TestCertificates(Path directory) {
        this.directory = directory;
        generate("authority", "CN=authority", "-ext", "bc:c");
        generate("server", "CN=server");
        keytool("server", "-certreq", "-file", "server.csr");
        keytool(
                "authority",
                "-gencert",
                "-infile",
                "server.csr",
                "-outfile",
                "server.der",
                "-ext",
                "san=dns:localhost");
        pem("server.pem", "CERTIFICATE", read("server.der"));
        try {
            pem(
                    "authority.pem",
                    "CERTIFICATE",
                    store("authority").getCertificate("authority").getEncoded());
            pem(
                    "server.key",
                    "PRIVATE KEY",
                    store("server").getKey("server", PASSWORD.toCharArray()).getEncoded());
            // PostgreSQL refuses a key that others can read.
            Files.setPosixFilePermissions(key(), PosixFilePermissions.fromString("rw-------"));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Path authority() {
        return directory.resolve("authority.pem");
    }

    public Path server() {
        return directory.resolve("server.pem");
    }

    public Path key() {
        return directory.resolve("server.key");
    }

    private void generate(String alias, String name, String... more) {
        List<String> arguments = new ArrayList<>(List.of("-genkeypair", "-keyalg", "EC", "-dname", name));
        arguments.addAll(List.of(more));
        keytool(alias, arguments.toArray(String[]::new));
    }

    private void keytool(String alias, String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString()));
        command.addAll(List.of(arguments));
        command.addAll(List.of("-alias", alias, "-keystore", alias + ".p12", "-storepass", PASSWORD));
        try {
            Process keytool = new ProcessBuilder(command)
                    .directory(directory.toFile())
                    .redirectErrorStream(true)
                    .start();
            String said = new String(keytool.getInputStream().readAllBytes());
            if (keytool.waitFor() != 0) {
                throw new IllegalStateException(said);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private KeyStore store(String alias) throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream file = Files.newInputStream(directory.resolve(alias + ".p12"))) {
            store.load(file, PASSWORD.toCharArray());
        }
        return store;
    }

    private byte[] read(String file) {
        try {
            return Files.readAllBytes(directory.resolve(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void pem(String file, String what, byte[] content) {
        try {
            Files.writeString(
                    directory.resolve(file),
                    "-----BEGIN " + what + "-----\n" + PEM.encodeToString(content) + "\n-----END " + what + "-----\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
