import { strict as assert } from "node:assert";
import type { ProgramResult } from "../../cli/mod.ts";
import { FakeEngine } from "../../client/fake_engine_testing.ts";
import { isTsdError } from "../../errors.ts";
import { installService, uninstallService } from "./install.ts";
import { callTsd } from "../session_testing.ts";
import type { ServiceHost } from "./service_host.ts";
import { serviceUnit } from "./service_unit.ts";

const GOLDEN = new URL("../testdata/tsd.service", import.meta.url);
const OK: ProgramResult = { code: 0, stdout: "", stderr: "" };

function fakeHost(more: Partial<ServiceHost> = {}, failing: Record<string, ProgramResult> = {}) {
  const done: string[] = [];
  let unit: string | undefined;
  const host: ServiceHost = {
    uid: 0,
    command: ["/usr/local/bin/tsd"],
    hasSystemd: () => Promise.resolve(true),
    isExternal: () => Promise.resolve(false),
    writeUnit: (text) => {
      unit = text;
      done.push("write");
      return Promise.resolve();
    },
    removeUnit: () => {
      done.push("remove");
      const existed = unit !== undefined;
      unit = undefined;
      return Promise.resolve(existed);
    },
    systemctl: (...args) => {
      done.push(args.join(" "));
      if (args[0] === "cat") return Promise.resolve({ ...OK, code: unit === undefined ? 1 : 0 });
      return Promise.resolve(failing[args[0]] ?? OK);
    },
    ...more,
  };
  return { host, done, unit: () => unit };
}

Deno.test("service unit: matches the golden file (./dev golden rewrites it)", async () => {
  const text = serviceUnit(["/usr/local/bin/tsd"]);
  if (Deno.env.get("UPDATE_GOLDEN") === "1") await Deno.writeTextFile(GOLDEN, text);
  assert.equal(text, await Deno.readTextFile(GOLDEN));
});

Deno.test("service unit: characters in paths that are special to systemd are escaped", () => {
  const start = (command: string[]) => /^ExecStart=(.*)$/m.exec(serviceUnit(command))?.[1];
  assert.equal(start(["/opt/my tools/tsd"]), '"/opt/my tools/tsd" daemon');
  assert.equal(start(["/opt/100%/$HOME/tsd"]), '"/opt/100%%/$$HOME/tsd" daemon');
  assert.equal(start(['/opt/"a"\\b/tsd']), '"/opt/\\"a\\"\\\\b/tsd" daemon');
  assert.equal(start(["/usr/bin/deno", "run", "-A", "/src/mod.ts"]), "/usr/bin/deno run -A /src/mod.ts daemon");
  assert.throws(() => serviceUnit(["/opt/a\nExecStart=/bin/evil"]), /A unit can't hold the path/);
});

Deno.test("daemon install: writes and enables the unit, and updates it when called again", async () => {
  const { host, done, unit } = fakeHost();
  for (let round = 0; round < 2; round++) {
    assert.match(await installService(host), /^Installed \/etc\/systemd\/system\/tsd\.service: the engine runs/);
  }
  const round = ["write", "daemon-reload", "enable tsd.service", "reload-or-restart tsd.service"];
  assert.deepEqual(done, [...round, ...round]);
  assert.equal(unit(), serviceUnit(["/usr/local/bin/tsd"]));
});

Deno.test("daemon install: an executable that other users can change is refused", async () => {
  const { host, done } = fakeHost({ isExternal: (path) => Promise.resolve(path === "/usr/local/bin/tsd") });
  await assert.rejects(installService(host), /can be changed by others than root; copy it to \/usr\/local\/bin/);
  assert.deepEqual(done, []);
});

Deno.test("daemon install: systemctl's error message is reported", async () => {
  const { host } = fakeHost({}, { "reload-or-restart": { code: 1, stdout: "", stderr: "Job failed.\nSee logs.\n" } });
  await assert.rejects(
    installService(host),
    /systemctl reload-or-restart tsd\.service failed: Job failed\.; See logs\.$/,
  );
});

Deno.test("daemon uninstall: stops and removes the service, and succeeds if there is none", async () => {
  const { host, done } = fakeHost();
  assert.match(await uninstallService(host), /nothing to uninstall/);
  assert.deepEqual(done.splice(0), ["cat tsd.service", "remove"]);
  await installService(host);
  done.length = 0;
  assert.match(await uninstallService(host), /^Removed \/etc\/systemd\/system\/tsd\.service; containers run on/);
  assert.deepEqual(done, ["cat tsd.service", "disable --now tsd.service", "remove", "daemon-reload"]);
});

Deno.test("daemon install, uninstall: require root and systemd", async () => {
  for (const action of [installService, uninstallService]) {
    const user = fakeHost({ uid: 1000 });
    await assert.rejects(action(user.host), (thrown) => isTsdError(thrown, "permission_denied"));
    const without = fakeHost({ hasSystemd: () => Promise.resolve(false), uid: 1000 });
    await assert.rejects(action(without.host), (thrown) => isTsdError(thrown, "not_implemented"));
    assert.deepEqual([user.done, without.done], [[], []]);
  }
});

Deno.test({
  name: "daemon install: without systemd the error is one line",
  ignore: await Deno.stat("/run/systemd/system").then(() => true, (thrown) => {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }),
  async fn() {
    const engine = new FakeEngine(() => assert.fail("no engine is called"));
    for (const verb of ["install", "uninstall"]) {
      const { code, out, err } = await callTsd(engine, ["daemon", verb]);
      assert.deepEqual([code, out], [1, ""]);
      assert.match(err, new RegExp(`^tsd: Cannot ${verb} the service: this machine isn't run by systemd [^\\n]*\\n$`));
    }
  },
});
