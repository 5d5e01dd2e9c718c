import { strict as assert } from "node:assert";
import { type CommandParts, processArgs } from "./command.ts";

const IMAGE: CommandParts = { entrypoint: ["/entry", "-x"], cmd: ["serve"] };

const CASES: readonly (readonly [string, CommandParts, CommandParts, readonly string[]])[] = [
  ["the image's own", IMAGE, {}, ["/entry", "-x", "serve"]],
  ["a command replaces the image's", IMAGE, { cmd: ["a", "b"] }, ["/entry", "-x", "a", "b"]],
  ["an entry point drops the image's command", IMAGE, { entrypoint: ["/bin/sh"] }, ["/bin/sh"]],
  ["both", IMAGE, { entrypoint: ["/bin/sh"], cmd: ["-c", "x"] }, ["/bin/sh", "-c", "x"]],
  ["an empty entry point takes the image's away", IMAGE, { entrypoint: [""], cmd: ["ls"] }, ["ls"]],
  ["an empty list too, and keeps the command", IMAGE, { entrypoint: [] }, ["serve"]],
  ["command only", { cmd: ["sh"] }, {}, ["sh"]],
];

for (const [name, image, container, expected] of CASES) {
  Deno.test(`processArgs: ${name}`, () => assert.deepEqual(processArgs(image, container), expected));
}

Deno.test("processArgs: no command is an error", () => {
  const nothing = { code: "invalid_argument", message: "no command specified" };
  assert.throws(() => processArgs({}, {}), nothing);
  assert.throws(() => processArgs(IMAGE, { entrypoint: [""] }), nothing);
});
