import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createSecureServer, type Http2SecureServer, type SecureServerOptions, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { Authority, type Identity } from "./certificates.js";
import { QuotaService } from "../src/gen/apportion/v1/quota_service_pb.js";
import { ConfigError, connect, type ConnectOptions, type TlsOptions, UnreachableError } from "../src/index.js";

let authority: Authority;
let other: Authority;
let local: Identity;

let server: Http2SecureServer | undefined;
let sessions: ServerHttp2Session[];
let tokens: (string | null)[];
let accepted: string | undefined;
let directory: string;

beforeAll(async () => {
  [authority, other] = await Promise.all([Authority.create(), Authority.create()]);
  local = await authority.issue("ip", "127.0.0.1");
});

beforeEach(() => {
  sessions = [];
  tokens = [];
  accepted = undefined;
  directory = mkdtempSync(join(tmpdir(), "apportion-"));
});

afterEach(() => {
  for (const session of sessions) session.destroy();
  server?.close();
  rmSync(directory, { recursive: true });
});

function routes(router: ConnectRouter): void {
  router.service(QuotaService, {
    acquireLease: (_, { requestHeader }) => {
      const token = requestHeader.get("authorization");
      tokens.push(token);
      if (accepted !== undefined && token !== `Bearer ${accepted}`)
        throw new ConnectError("no such token", Code.Unauthenticated);
      return { lease: { leaseId: "1", permits: 1, validFor: { seconds: 5n, nanos: 0 } } };
    },
    batchSettleLeases: ({ requests }) => ({ outcomes: requests.map(() => ({})) }),
  });
}

/** Starts a server with a certificate, and returns its URL. */
async function serve(identity: Identity, options: SecureServerOptions = {}): Promise<string> {
  server = createSecureServer({ cert: identity.certificate, key: identity.key, ...options }, connectNodeAdapter({ routes }));
  server.on("session", (session) => sessions.push(session));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

/** Takes one permit, with all that belongs to it. */
async function takeOne(url: string, options: ConnectOptions, maxWaitMs = 10_000): Promise<void> {
  const quota = connect(url, options);
  try {
    (await quota.onDemand({ maxWaitMs }).permit()).done();
  } finally {
    await quota.close();
  }
}

/** Options that trust the authority. */
function trusting(tls: TlsOptions = {}): ConnectOptions {
  return { tls: { certificateAuthority: authority.certificate, ...tls } };
}

test("a server whose certificate is of the authority is trusted, and no other", async () => {
  const url = await serve(local);
  await takeOne(url, trusting());
  await expect(takeOne(url, trusting({ certificateAuthority: other.certificate }), 500)).rejects.toThrow(UnreachableError);
  await expect(takeOne(url, {}, 500)).rejects.toThrow(UnreachableError);
  expect(tokens).toHaveLength(1);
});

test("a certificate for another name is refused, and no token is sent to it", async () => {
  const url = await serve(await authority.issue("dns", "elsewhere.example"));
  await expect(takeOne(url, { ...trusting(), token: "secret" }, 500)).rejects.toThrow(UnreachableError);
  expect(tokens).toEqual([]);
  await takeOne(url, { ...trusting({ serverName: "elsewhere.example" }), token: "secret" });
  expect(tokens).toEqual(["Bearer secret"]);
});

test("a configured name is demanded even where the certificate fits the address", async () => {
  const url = await serve(local);
  await expect(takeOne(url, trusting({ serverName: "quota.example" }), 500)).rejects.toThrow(UnreachableError);
});

test("a client shows its certificate where the server demands one", async () => {
  const url = await serve(local, { requestCert: true, ca: other.certificate });
  const mine = await other.issue("dns", "sync.example");
  await takeOne(url, trusting(mine));
  const theirs = await authority.issue("dns", "sync.example");
  await expect(takeOne(url, trusting(theirs), 500)).rejects.toThrow(UnreachableError);
  await expect(takeOne(url, trusting(), 500)).rejects.toThrow(UnreachableError);
  expect(tokens).toHaveLength(1);
});

test("certificates may be bytes", async () => {
  const url = await serve(local);
  await takeOne(url, trusting({ certificateAuthority: Buffer.from(authority.certificate) }));
  await takeOne(url, trusting({ certificateAuthority: new Uint8Array(Buffer.from(authority.certificate)) }));
  expect(tokens).toHaveLength(2);
});

test("a certificate that does not go with its key is an error of the configuration", async () => {
  const { certificate } = await authority.issue("dns", "a.example");
  const { key } = await authority.issue("dns", "a.example");
  expect(() => connect("https://127.0.0.1:1", { tls: { certificate, key } })).toThrow(ConfigError);
});

test("the file of a token is read again when its token is not accepted any more", async () => {
  const url = await serve(local);
  const tokenFile = join(directory, "token");
  writeFileSync(tokenFile, "first\n");
  const quota = connect(url, { ...trusting(), tokenFile });
  const source = quota.onDemand();
  accepted = "first";
  (await source.permit()).done();
  writeFileSync(tokenFile, "second\n");
  accepted = "second";
  (await source.permit()).done();
  expect(tokens).toEqual(["Bearer first", "Bearer first", "Bearer second"]);
  await quota.close();
});
