import * as x509 from "@peculiar/x509";
import type { webcrypto } from "node:crypto";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 86_400_000;
let serial = 1;

/** A certificate and its key, in PEM. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
}

/** Issues certificates, for one day. */
export class Authority {
  /** Its certificate, in PEM. */
  readonly certificate: string;
  readonly #issuer: x509.X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;

  private constructor(issuer: x509.X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.certificate = issuer.toString("pem");
    this.#issuer = issuer;
    this.#keys = keys;
  }

  static async create(): Promise<Authority> {
    const keys = await newKeys();
    const extensions = [new x509.BasicConstraintsExtension(true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign)];
    const issuer = await x509.X509CertificateGenerator.createSelfSigned({ ...validity(), name: "CN=Test", keys, extensions });
    return new Authority(issuer, keys);
  }

  /** Issues a certificate for a host name or an IP address. */
  async issue(type: "dns" | "ip", value: string): Promise<Identity> {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      ...validity(),
      subject: `CN=${value}`,
      issuer: this.#issuer.subject,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      extensions: [new x509.SubjectAlternativeNameExtension([{ type, value }])],
    });
    const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
    return { certificate: certificate.toString("pem"), key: x509.PemConverter.encode(key, "PRIVATE KEY") };
  }
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

function validity(): { serialNumber: string; notBefore: Date; notAfter: Date; signingAlgorithm: typeof ALGORITHM } {
  const now = Date.now();
  serial += 1;
  return {
    serialNumber: serial.toString(16).padStart(4, "0"),
    notBefore: new Date(now - DAY_MS / 2),
    notAfter: new Date(now + DAY_MS / 2),
    signingAlgorithm: ALGORITHM,
  };
}
