// SPDX-License-Identifier: Apache-2.0

// Stytch's own client for Node, against the sample stytch-quickstart with one more
// role, which a token may give.
import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { cpSync, mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { basename, join } from "node:path";
import { after, before, describe, test } from "node:test";

import stytch from "stytch";

import { serve } from "./server.js";

const here = import.meta.dirname;
const project = "project-test-00000000-0000-4000-8000-000000000000";
const secret = randomBytes(24).toString("base64url");

const editor = `
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: editor}
spec:
  assertable: true
  permissions:
  - {resource: document, actions: [create, update]}
  - {resource: document, actions: [delete], condition: subject.id == "carol"}
`;

// The issuer of the members' sessions: Rolecall issues none.
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const jwks = { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "key-1", alg: "RS256", use: "sig" }] };

function claims(member, organization, roles, age = 0) {
  const now = Math.floor(Date.now() / 1000) - age;
  const time = (seconds) => new Date(seconds * 1000).toISOString();
  return {
    iss: `stytch.com/${project}`, aud: [project], sub: member, iat: now, nbf: now, exp: now + 300,
    "https://stytch.com/organization": { organization_id: organization, slug: organization },
    "https://stytch.com/session": {
      id: `session-of-${member}`, started_at: time(now), last_accessed_at: time(now), expires_at: time(now + 3600),
      attributes: { ip_address: "", user_agent: "" }, roles,
      authentication_factors: [{ type: "magic_link", delivery_method: "email", last_authenticated_at: time(now) }],
    },
  };
}

function token(...of) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const input = `${encode({ alg: "RS256", typ: "JWT", kid: "key-1" })}.${encode(claims(...of))}`;
  return `${input}.${sign("sha256", Buffer.from(input), privateKey).toString("base64url")}`;
}

// The endpoint that knows opaque tokens.
const opaque = new Map();
const introspection = createServer((request, response) => {
  let body = "";
  request.on("data", (data) => { body += data; });
  request.on("end", () => {
    const known = opaque.get(new URLSearchParams(body).get("token"));
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify(known ? { active: true, ...known } : { active: false }));
  });
});

let server;
let client;
before(async () => {
  await new Promise((resolve) => { introspection.listen(0, "127.0.0.1", resolve); });
  const folder = mkdtempSync(join(here, "stytch-"));
  cpSync(join(here, "samples/stytch-quickstart"), folder, { recursive: true });
  writeFileSync(join(folder, "editor.yaml"), editor);
  const secrets = mkdtempSync(join(here, "secrets-"));
  writeFileSync(join(secrets, "project"), secret);
  const claimMappings = {
    id: { claim: "sub", prefix: "" },
    scope: { expression: '"org:" + claims["https://stytch.com/organization"].organization_id' },
    roles: { expression: 'claims["https://stytch.com/session"].roles' },
  };
  server = await serve(basename(folder), {
    callers: { apiKeys: [{ id: project, keyFile: join(secrets, "project"), namespaces: ["default"], permissions: ["checks", "policies"] }] },
    stytch: { projects: [{ id: project, namespace: "default" }] },
    sessions: [{
      namespace: "default",
      jwt: [{ issuer: { url: `stytch.com/${project}`, audiences: [project], jwks: JSON.stringify(jwks) }, claimMappings }],
      introspection: {
        url: `http://127.0.0.1:${introspection.address().port}/`, allowPlainHTTP: true,
        clientID: "rolecall", clientSecretFile: join(secrets, "project"), claimMappings,
      },
    }],
  });
  client = new stytch.B2BClient({ project_id: project, secret, custom_base_url: server.http });
});
after(async () => {
  introspection.close();
  await server.stop();
  assert.ok(!server.log.join("\n").includes(secret), "the log has the project's secret");
});

const check = (organization, action, resource = "document") =>
  ({ organization_id: organization, resource_id: resource, action });

async function refused(promise, status, type) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.status_code, status);
    assert.equal(error.error_type, type);
    assert.ok(error.error_message && error.request_id && error.error_url);
    return true;
  });
}

describe("one call that authenticates and authorizes", () => {
  test("a role that a binding gives", async () => {
    const answer = await client.sessions.authenticate({ session_jwt: token("bob", "acme", []), authorization_check: check("acme", "create") });
    assert.deepEqual(answer.verdict, { authorized: true, granting_roles: ["limited_admin"] });
    assert.equal(answer.member_session.member_id, "bob");
    assert.equal(answer.member_session.organization_id, "acme");
    assert.equal(answer.member.member_id, "bob");
    assert.equal(answer.organization.organization_id, "acme");
  });
  test("every role that grants", async () => {
    const answer = await client.sessions.authenticate({
      session_jwt: token("bob", "acme", ["editor"]), authorization_check: check("acme", "create"),
    });
    assert.deepEqual(answer.verdict.granting_roles, ["editor", "limited_admin"]);
  });
  test("a deny", () => refused(
    client.sessions.authenticate({ session_jwt: token("bob", "acme", []), authorization_check: check("acme", "delete") }),
    403, "session_authorization_error"));
  test("another organization", () => refused(
    client.sessions.authenticate({ session_jwt: token("bob", "acme", []), authorization_check: check("globex", "create") }),
    403, "session_authorization_tenancy_error"));
  test("an expired session", () => refused(
    client.sessions.authenticate({ session_jwt: token("bob", "acme", [], 4000) }), 404, "session_not_found"));
  test("an opaque token, until it is revoked", async () => {
    opaque.set("opaque-1", claims("bob", "acme", []));
    const question = { session_token: "opaque-1", authorization_check: check("acme", "create") };
    const answer = await client.sessions.authenticate(question);
    assert.equal(answer.session_token, "opaque-1");
    assert.deepEqual(answer.verdict.granting_roles, ["limited_admin"]);
    opaque.delete("opaque-1");
    await refused(client.sessions.authenticate(question), 404, "session_not_found");
  });
  test("a wrong secret", () => refused(
    new stytch.B2BClient({ project_id: project, secret: "x".repeat(20), custom_base_url: server.http })
      .sessions.authenticate({ session_jwt: token("bob", "acme", []) }),
    401, "unauthorized_credentials"));
});

describe("the client's own decision", () => {
  test("from a role in the token", async () => {
    const session = await client.sessions.authenticateJwtLocal({
      session_jwt: token("dora", "acme", ["editor"]), authorization_check: check("acme", "update"),
    });
    assert.deepEqual(session.roles, ["editor"]);
  });
  test("is never wider than ours", async () => {
    const { policy } = await client.rbac.policy();
    for (const roles of [[], ["editor"], ["limited_admin"], ["editor", "stytch_admin"]]) {
      for (const resource of policy.resources) {
        for (const action of resource.actions) {
          const question = { session_jwt: token("dora", "acme", roles), authorization_check: check("acme", action, resource.resource_id) };
          const local = await allowed(client.sessions.authenticateJwtLocal(question));
          const ours = await allowed(client.sessions.authenticate(question));
          assert.ok(ours || !local, `${roles} ${action} ${resource.resource_id}: the client allows it, and we do not`);
        }
      }
    }
  });
  test("hands over what it cannot decide", async () => {
    const question = (member) => ({ session_jwt: token(member, "acme", ["editor"]), authorization_check: check("acme", "delete") });
    assert.equal(await allowed(client.sessions.authenticateJwtLocal(question("carol"))), false);
    const answer = await client.sessions.authenticateJwt(question("carol"));
    assert.deepEqual(answer.verdict.granting_roles, ["editor"]);
    await refused(client.sessions.authenticateJwt(question("dora")), 403, "session_authorization_error");
  });
  test("refuses another organization", () => assert.rejects(
    client.sessions.authenticateJwtLocal({ session_jwt: token("dora", "acme", ["editor"]), authorization_check: check("globex", "update") }),
    { code: "tenancy_mismatch" }));
});

const allowed = (promise) => promise.then(() => true, () => false);
