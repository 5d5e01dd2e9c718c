/** Malicious configurations (26, 27 and 32 of the project's list): refused, or run without reaching the host. */
import { strict as assert } from "node:assert";
import { HOSTILE_IMAGES } from "../images/mod.ts";
import { requires } from "../requires.ts";
import { checkAlive, type MaliciousSetup, startMaliciousSetup, tryHostile } from "./malicious_setup.ts";
import { pullGoodImage } from "./setup.ts";

/** More descriptors than the engine or runc have open when a container starts. */
const LAST_FD = 20;

/** CVE-2024-21626: a descriptor of runc that refers to the host must not become a working directory. */
async function testDescriptors(setup: MaliciousSetup): Promise<void> {
  const { engine, victim } = setup;
  const image = await pullGoodImage(setup);
  const up = `../../../../../../../../${victim.relative("secret")}`;
  for (let fd = 0; fd <= LAST_FD; fd++) {
    const script = ["sh", "-c", `cat '${up}'; pwd -P; ls -di /`];
    const dir = `/proc/self/fd/${fd}`;
    const { code, stdout, stderr } = await engine.tsd([
      ...["run", "--rm", "--network", "none", "-w", dir, image],
      ...script,
    ]);
    assert.doesNotMatch(stdout, /secret/, dir);
    assert.ok([125, 126, 127].includes(code), `${dir}: exit code ${code}, ${stdout}${stderr}`);
    assert.match(stderr, /^tsd: [^\n]+\n$/, dir);
  }
}

Deno.test({
  name: "malicious configurations",
  ...requires("root", "runc", "overlay"),
  fn: async (test) => {
    await using setup = await startMaliciousSetup();
    for (const hostile of HOSTILE_IMAGES) {
      if (hostile.kind !== "config") continue;
      await test.step(`${hostile.name}: ${hostile.what.slice(0, 80)}`, () => tryHostile(setup, hostile));
    }
    await test.step("working directories on open descriptors", () => testDescriptors(setup));
    await test.step("an honest image works afterwards", () => checkAlive(setup));
  },
});
