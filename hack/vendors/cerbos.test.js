// SPDX-License-Identifier: Apache-2.0

// Cerbos' own clients, over HTTP and over gRPC, against the sample cerbos-fastapi.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createSecureContext } from "node:tls";

import { NotOK, Service, ServiceStatus, Status } from "@cerbos/core";
import { Compression, GRPC } from "@cerbos/grpc";
import { HTTP } from "@cerbos/http";

import { serve } from "./server.js";

let server;
before(async () => { server = await serve("samples/cerbos-fastapi"); });
after(async () => { await server.stop(); });

const tls = createSecureContext({ ca: readFileSync(join(import.meta.dirname, "cert.pem")) });

// The clients, by how they ask.
const clients = {
  "HTTP": () => new HTTP(server.http),
  "HTTP, with the namespace in the path": () => new HTTP(`${server.http}/ns/default`),
  "gRPC": () => new GRPC(server.grpc, { tls }),
  "gRPC, with the namespace in the metadata": () =>
    new GRPC(server.grpc, { tls, headers: { "rolecall-namespace": "default" } }),
  "gRPC, compressed": () => new GRPC(server.grpc, { tls, compression: Compression.GZIP }),
};

// The demonstration asks about one's own contact and another's.
const actions = ["read", "update", "delete"];
const question = (id, roles) => ({
  principal: { id, roles },
  resources: [
    { resource: { kind: "contact", id: "abc123", attr: { owner_id: id } }, actions },
    { resource: { kind: "contact", id: "def456", attr: { owner_id: "other_user_id" } }, actions },
  ],
});

// answers are what a role may do to one's own contact, and to another's.
const answers = {
  user: [actions, ["read"]],
  admin: [actions, actions],
  guest: [[], []],
};

async function refusal(promise, code, pattern) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof NotOK, String(error));
    assert.equal(error.code, code);
    assert.match(error.details, pattern);
    return true;
  });
}

for (const [name, connect] of Object.entries(clients)) {
  describe(name, () => {
    let cerbos;
    before(() => { cerbos = connect(); });
    after(() => { cerbos.close?.(); });

    for (const [role, [own, others]] of Object.entries(answers)) {
      test(`the demonstration, as ${role}`, async () => {
        const response = await cerbos.checkResources(question("user-1", [role]));
        assert.notEqual(response.cerbosCallId, "");
        for (const [id, allowed] of [["abc123", own], ["def456", others]]) {
          const result = response.findResult({ kind: "contact", id });
          assert.deepEqual(result.allowedActions().sort(), [...allowed].sort(), id);
        }
      });
    }

    test("isAllowed", async () => {
      const ask = (owner) => cerbos.isAllowed({
        principal: { id: "user-1", roles: ["user"] },
        resource: { kind: "contact", id: "abc123", attr: { owner_id: owner } },
        action: "delete",
      });
      assert.equal(await ask("user-1"), true);
      assert.equal(await ask("user-2"), false);
    });

    test("what decided", async () => {
      const response = await cerbos.checkResources({ ...question("user-1", ["user", "admin"]), includeMetadata: true });
      assert.equal(response.results[0].metadata.actions.update.matchedPolicy, "role.admin.vdefault,role.user.vdefault");
      assert.equal(response.results[1].metadata.actions.update.matchedPolicy, "role.admin.vdefault");
    });

    test("a kind that is not declared", async () => {
      const result = await cerbos.checkResource({
        principal: { id: "user-1", roles: ["admin"] }, resource: { kind: "album", id: "1" }, actions: ["read"],
      });
      assert.equal(result.isAllowed("read"), false);
    });

    test("no role", async () => {
      await refusal(cerbos.checkResources(question("user-1", [])), Status.INVALID_ARGUMENT, /principal\.roles: is required/);
    });

    test("a token that nobody can verify", async () => {
      await refusal(cerbos.checkResources({ ...question("user-1", ["user"]), auxData: { jwt: { token: "x.y.z" } } }),
        Status.INVALID_ARGUMENT, /^auxData\.jwt\.token: /);
    });

    test("too many actions", async () => {
      const many = Array.from({ length: 51 }, (_, i) => `action${i}`);
      await refusal(cerbos.checkResource({
        principal: { id: "user-1", roles: ["user"] }, resource: { kind: "contact", id: "1" }, actions: many,
      }), Status.INVALID_ARGUMENT, /51 actions exceed the configured limit \(50\)/);
    });

    test("plans are not served", async () => {
      await refusal(cerbos.planResources({
        principal: { id: "user-1", roles: ["user"] }, resource: { kind: "contact" }, action: "read",
      }), Status.UNIMPLEMENTED, /PlanResources is not served here/);
    });

    test("server info", async () => {
      assert.notEqual((await cerbos.serverInfo()).version, "");
    });

    test("health", async () => {
      assert.equal((await cerbos.checkHealth()).status, ServiceStatus.SERVING);
      assert.equal((await cerbos.checkHealth({ service: Service.ADMIN })).status, ServiceStatus.DISABLED);
    });
  });
}

test("a certificate that nobody vouches for", async () => {
  const cerbos = new GRPC(server.grpc, { tls: createSecureContext({ ca: [] }) });
  await assert.rejects(cerbos.serverInfo());
  cerbos.close();
});
