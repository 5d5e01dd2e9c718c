/** Every flag in docker's help is also a flag of tsd: it has its effect, or is refused with a reason. */
import { strict as assert } from "node:assert";
import type { FlagSpecs } from "../../src/cli/mod.ts";
import { COMMANDS } from "../../src/commands/table.ts";
import { requires } from "../requires.ts";

/** Flags of commands that differ in tsd, with the reason. */
const NONE_OF_OURS: Readonly<Record<string, string>> = {
  "version --kubeconfig": "Docker 20 could look at Kubernetes",
};

/** A group of commands with docker's name for other objects. */
const OTHER_THINGS = /^plugin /; // docker's are images of drivers, tsd's are files with hooks

/** Returns the flags in docker's help, or nothing if it has no such command. */
async function flagsInHelp(command: string): Promise<{ readonly short?: string; readonly name: string }[]> {
  const { stdout } = await new Deno.Command("docker", {
    args: [...command.split(" "), "--help"],
    // Without an engine, docker's help shows all flags, not only those that the engine supports.
    env: { DOCKER_HOST: "unix:///nonexistent/docker.sock" },
  }).output();
  const text = new TextDecoder().decode(stdout);
  if (!new RegExp(`^\\s*Usage:\\s+docker ${command}\\b`).test(text)) return [];
  return Array.from(
    text.matchAll(/^ +(?:-(?<short>\w), )?--(?<name>[a-z0-9-]+)/gm),
    ({ groups }) => ({ name: groups!.name!, ...(groups!.short && { short: groups!.short }) }),
  );
}

function has(flags: FlagSpecs, { short, name }: { readonly short?: string; readonly name: string }): boolean {
  const spec = flags[name] ?? Object.values(flags).find(({ aliases }) => aliases?.includes(name));
  return spec !== undefined && (short === undefined || spec.short === short);
}

Deno.test({
  name: "docker: tsd knows its flags",
  ...requires("docker"),
  async fn() {
    const missing: string[] = [];
    let seen = 0;
    for (const { names, load } of COMMANDS.filter(({ names: [name] }) => !OTHER_THINGS.test(name!))) {
      const { flags } = await load();
      for (const name of names) {
        for (const flag of await flagsInHelp(name)) {
          seen++;
          const shown = `${name} --${flag.name}`;
          // Every command has --help.
          if (flag.name === "help" || NONE_OF_OURS[shown] !== undefined || has(flags, flag)) continue;
          missing.push(flag.short === undefined ? shown : `${shown}, -${flag.short}`);
        }
      }
    }
    assert.deepEqual(missing, []);
    assert.ok(seen > 400, `docker's help has ${seen} flags`);
  },
});
