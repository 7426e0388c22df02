package dev.apportion.conformance;

import apportion.conformance.v1.Ask;
import apportion.conformance.v1.Connect;
import apportion.conformance.v1.Tls;
import dev.apportion.Config;
import dev.apportion.Fallback;
import dev.apportion.Priority;
import dev.apportion.Request;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** What the runner asks for, as the library takes it. What is not set is not set there either. */
final class Asks {
    private Asks() {}

    /** Returns a duration, however long. */
    static Duration ms(long unsigned) {
        return Duration.ofMillis(unsigned < 0 ? Long.MAX_VALUE : unsigned);
    }

    static Request request(Ask ask) {
        Request request = Request.of(ask.hasPermits() ? ask.getPermits() : 1);
        if (ask.hasMinPermits()) {
            request = request.withMinPermits(ask.getMinPermits());
        }
        if (!ask.getPriority().isEmpty()) {
            request = request.withPriority(Priority.valueOf(ask.getPriority()));
        }
        return ask.hasMaxWaitMs() ? request.withMaxWait(ms(ask.getMaxWaitMs())) : request;
    }

    static Config config(Connect connect) throws Answers.UnsupportedException, IOException {
        if (connect.getSettingsCount() > 0) {
            throw new Answers.UnsupportedException("settings");
        }
        Config config = new Config(connect.getAddressesList().toArray(String[]::new));
        if (!connect.getWorkspace().isEmpty()) {
            config.workspace(connect.getWorkspace());
        }
        if (!connect.getTeam().isEmpty()) {
            config.team(connect.getTeam());
        }
        if (!connect.getCaller().isEmpty()) {
            config.caller(connect.getCaller());
        }
        if (!connect.getToken().isEmpty()) {
            config.token(connect.getToken());
        }
        if (!connect.getTokenFile().isEmpty()) {
            config.tokenFile(Path.of(connect.getTokenFile()));
        }
        if (connect.hasTls()) {
            config.tls(tls(connect.getTls()));
        }
        if (connect.hasConnectTimeoutMs()) {
            config.connectTimeout(ms(connect.getConnectTimeoutMs()));
        }
        if (connect.hasCloseTimeoutMs()) {
            config.closeTimeout(ms(connect.getCloseTimeoutMs()));
        }
        switch (connect.getFallback().getFallbackCase()) {
            case DENY -> config.fallback(Fallback.deny());
            case WAIT -> config.fallback(Fallback.waitForServer());
            case SHARE -> {
                apportion.conformance.v1.Share share = connect.getFallback().getShare();
                config.fallback(Fallback.share(share.getPermits(), ms(share.getWindowMs())));
            }
            case FALLBACK_NOT_SET -> {}
        }
        return config.insecure(connect.getInsecure());
    }

    private static dev.apportion.Tls tls(Tls files) throws IOException {
        dev.apportion.Tls tls = new dev.apportion.Tls();
        if (!files.getCertificateAuthorityFile().isEmpty()) {
            tls.authority(Files.readAllBytes(Path.of(files.getCertificateAuthorityFile())));
        }
        if (!files.getCertificateFile().isEmpty()) {
            tls.certificate(
                    Files.readAllBytes(Path.of(files.getCertificateFile())),
                    Files.readAllBytes(Path.of(files.getKeyFile())));
        }
        if (!files.getServerName().isEmpty()) {
            tls.serverName(files.getServerName());
        }
        return tls;
    }
}
