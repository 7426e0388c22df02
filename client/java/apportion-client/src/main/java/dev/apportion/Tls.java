package dev.apportion;

/** Which certificates to use with https. All are PEM. */
public final class Tls {
    byte[] authority;
    byte[] certificate;
    byte[] key;
    String serverName;

    /** Creates settings that trust the authorities of the Java runtime. */
    public Tls() {}

    /**
     * Sets the certificate authority to trust.
     *
     * @param pem one certificate or more
     * @return this
     */
    public Tls authority(byte[] pem) {
        authority = pem.clone();
        return this;
    }

    /**
     * Sets what identifies the client to the server.
     *
     * @param chain the certificate, and those between it and the authority
     * @param privateKey its key in PKCS #8 ({@code BEGIN PRIVATE KEY})
     * @return this
     */
    public Tls certificate(byte[] chain, byte[] privateKey) {
        certificate = chain.clone();
        key = privateKey.clone();
        return this;
    }

    /**
     * Sets the name that the certificate of every server must have.
     *
     * @param name the name; by default the host of its address
     * @return this
     */
    public Tls serverName(String name) {
        serverName = name;
        return this;
    }

    Tls copy() {
        Tls copy = new Tls();
        copy.authority = authority;
        copy.certificate = certificate;
        copy.key = key;
        copy.serverName = serverName;
        return copy;
    }
}
