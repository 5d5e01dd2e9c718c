import { strict as assert } from "node:assert";
import { commandText } from "./container_view.ts";

Deno.test("a command is shown with quotes around arguments that have a space", () => {
  assert.equal(commandText(["sh", "-c", "echo hi", "plain"]), "sh -c 'echo hi' plain");
  assert.equal(commandText(["/my program", "it's fine"]), "/my program 'it's fine'");
  assert.equal(commandText([]), "");
});
