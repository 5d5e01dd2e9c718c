/** Hostile configurations (26, 27 and 32 of the project's list): refused, or run without reaching the host. */
import { strict as assert } from "node:assert";
import { HOSTILE_IMAGES } from "../images/mod.ts";
import { requires } from "../requires.ts";
import { checkAlive, type HostileRig, startHostileRig, tryHostile } from "./malicious_setup.ts";
import { pullGoodImage } from "./setup.ts";

/** More than the engine or runc have open when a container starts. */
const LAST_FD = 20;

/** CVE-2024-21626: a descriptor of runc that leads to the host must be no working directory. */
async function testDescriptors(rig: HostileRig): Promise<void> {
  const { engine, victim } = rig;
  const image = await pullGoodImage(rig);
  const up = `../../../../../../../../${victim.relative("secret")}`;
  for (let fd = 0; fd <= LAST_FD; fd++) {
    const script = ["sh", "-c", `cat '${up}'; pwd -P; ls -di /`];
    const folder = `/proc/self/fd/${fd}`;
    const { code, stdout, stderr } = await engine.tsd([
      ...["run", "--rm", "--network", "none", "-w", folder, image],
      ...script,
    ]);
    assert.doesNotMatch(stdout, /secret/, folder);
    assert.ok([125, 126, 127].includes(code), `${folder}: exit code ${code}, ${stdout}${stderr}`);
    assert.match(stderr, /^tsd: [^\n]+\n$/, folder);
  }
}

Deno.test({
  name: "configurations that mean harm",
  ...requires("root", "runc", "overlay"),
  fn: async (test) => {
    await using rig = await startHostileRig();
    for (const hostile of HOSTILE_IMAGES) {
      if (hostile.kind !== "config") continue;
      await test.step(`${hostile.name}: ${hostile.what.slice(0, 80)}`, () => tryHostile(rig, hostile));
    }
    await test.step("working directories on open descriptors", () => testDescriptors(rig));
    await test.step("and afterwards all is well", () => checkAlive(rig));
  },
});
