// SPDX-License-Identifier: Apache-2.0

// The server that the clients are pointed at. test.sh has put it, its samples and
// its certificate beside this file.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

const here = import.meta.dirname;

// serve starts the server with a folder of objects, and returns where it listens,
// and how to stop it. more is added to its configuration.
export async function serve(folder, more = {}) {
  const tls = { certFile: join(here, "cert.pem"), keyFile: join(here, "key.pem") };
  const any = "127.0.0.1:0";
  const config = join(mkdtempSync(join(here, "config-")), "rolecall.yaml");
  writeFileSync(config, JSON.stringify({
    apiVersion: "config.rolecall.dev/v1alpha1",
    kind: "ServerConfiguration",
    http: { bindAddress: any, tls },
    grpc: { bindAddress: any, tls },
    health: { bindAddress: any },
    metrics: { bindAddress: any },
    log: { format: "json" },
    ...more,
  }));
  const server = spawn(join(here, "rolecall"), ["serve", "--dir", join(here, folder), "--config", config],
    { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(server, "exit");
  const { at, log } = await addresses(server, ended);
  await ready(`http://${at.health}/readyz`);
  return {
    http: `https://localhost:${port(at.http)}`,
    grpc: `localhost:${port(at.grpc)}`,
    log,
    async stop() {
      server.kill("SIGTERM");
      const [code] = await ended;
      if (code !== 0) {
        throw new Error(`the server ended with ${code}:\n${log.join("\n")}`);
      }
    },
  };
}

// addresses reads from the log where the server listens.
async function addresses(server, ended) {
  const at = {};
  const log = [];
  const lines = createInterface({ input: server.stderr });
  const all = new Promise((resolve) => {
    lines.on("line", (line) => {
      log.push(line);
      const entry = JSON.parse(line);
      if (entry.msg === "listening") {
        at[entry.for] = entry.address;
      }
      if (["http", "grpc", "health", "metrics"].every((name) => at[name])) {
        resolve();
      }
    });
  });
  await Promise.race([all, ended.then(() => { throw new Error(`the server ended:\n${log.join("\n")}`); })]);
  return { at, log };
}

async function ready(url) {
  for (;;) {
    const answer = await fetch(url);
    await answer.text();
    if (answer.ok) {
      return;
    }
  }
}

function port(address) {
  return address.slice(address.lastIndexOf(":") + 1);
}
