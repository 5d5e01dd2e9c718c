import { strict as assert } from "node:assert";
import type { Version } from "../../api_types/mod.ts";
import { BUILD_INFO } from "../../build_info.ts";
import { FakeEngine } from "../../client/fake_engine_testing.ts";
import { TsdError } from "../../errors.ts";
import { callTsd } from "../session_testing.ts";
import type { ServeOptions } from "../context.ts";

const SERVER: Version = {
  Platform: { Name: "tsd" },
  Components: [
    { Name: "Engine", Version: "9.9", Details: { ApiVersion: "1.50", Os: "linux", HashEngine: "hash-wasm" } },
    { Name: "runc", Version: "1.1.5", Details: { GitCommit: "abc" } },
  ],
  Version: "9.9",
  ApiVersion: "1.50",
  MinAPIVersion: "1.24",
  GitCommit: "deadbeef",
  GoVersion: "",
  Os: "linux",
  Arch: "amd64",
  KernelVersion: "6.18",
};

Deno.test("version: prints client and server", async () => {
  const { code, out } = await callTsd(new FakeEngine(() => ({ json: SERVER })), ["version"]);
  assert.equal(code, 0);
  assert.match(
    out,
    new RegExp(`^Client:\n Version: {10}${BUILD_INFO.version}\n API version: {6}1\\.50\n Form: {13}source\n`),
  );
  assert.equal(
    out.slice(out.indexOf("Server:")),
    `Server:
 Engine:
  Version:         9.9
  API version:     1.50 (minimum version 1.24)
  Git commit:      deadbeef
  OS/Arch:         linux/amd64
  Kernel:          6.18
  HashEngine:      hash-wasm
 runc:
  Version:         1.1.5
  GitCommit:       abc
`,
  );
});

Deno.test("version: prints the client without an engine", async () => {
  const absent = (code: "engine_unavailable" | "permission_denied") =>
    new FakeEngine(() => {
      throw new TsdError(code, "nobody there");
    });
  const onDemand = await callTsd(absent("engine_unavailable"), ["version"]);
  assert.deepEqual([onDemand.code, onDemand.err], [0, ""]);
  assert.match(onDemand.out, /\nServer: not running \(the first command that needs it starts it\)\n$/);
  const chosen = await callTsd(absent("engine_unavailable"), ["version"], { startsOnDemand: false });
  assert.deepEqual([chosen.code, chosen.err], [1, "tsd: nobody there\n"]);
  assert.match(chosen.out, /^Client:/);
  assert.equal((await callTsd(absent("permission_denied"), ["version"])).code, 1);
  const json = JSON.parse((await callTsd(absent("engine_unavailable"), ["version", "--format", "json"])).out);
  assert.deepEqual([json.Client.Form, json.Server], ["source", null]);
});

Deno.test("info: prints the engine's information", async () => {
  const info = {
    Containers: 2,
    ServerVersion: "9.9",
    Driver: "overlay2",
    MemTotal: 2 ** 31,
    Warnings: ["no swap"],
    Runtimes: { runc: {} },
  };
  const { out, err } = await callTsd(new FakeEngine(() => ({ json: info })), ["info"]);
  assert.match(
    out,
    /\nServer:\n Containers: 2\n Server Version: 9\.9\n Storage Driver: overlay2\n Runtimes: runc\n Total Memory: 2GiB\n$/,
  );
  assert.equal(err, "no swap\n");
  assert.equal(
    (await callTsd(new FakeEngine(() => ({ json: info })), ["info", "-f", "json"])).out,
    JSON.stringify(info) + "\n",
  );
});

Deno.test("daemon: passes its options to the engine and returns the exit code", async () => {
  const engine = new FakeEngine(() => assert.fail("the daemon calls no engine"));
  const options: ServeOptions[] = [];
  const serve = ({ command, ...given }: ServeOptions) => {
    assert.ok(command!.length > 0, "it can execute itself anew");
    return Promise.resolve(options.push(given) + 2);
  };
  const argv = ["daemon", "--data-root", "/d", "-H", "unix:///s", "--log-level", "debug", "--on-demand"];
  assert.equal((await callTsd(engine, argv, { serve })).code, 3);
  await callTsd(engine, ["daemon"], { serve });
  assert.deepEqual(options, [
    { dataRoot: "/d", host: "unix:///s", logLevel: "debug", onDemand: true },
    { logLevel: "info", onDemand: false },
  ]);
  const bad = await callTsd(engine, ["daemon", "--log-level=loud"], { serve });
  assert.deepEqual([bad.code, bad.err.split("\n")[0]], [
    125,
    'invalid log level "loud": give one of debug, info, warn, error',
  ]);
});
