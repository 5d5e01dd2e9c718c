import { strict as assert } from "node:assert";
import { FakeEngine } from "../../client/fake_engine_testing.ts";
import { TsdError } from "../../errors.ts";
import { callTsd } from "../session_testing.ts";
import { SHELLS } from "./values.ts";
import { COMMANDS } from "../table.ts";

const CONTAINERS = [
  { Names: ["/web"], Status: "Up 2 hours", Image: "nginx" },
  { Names: ["/worker"], Status: "Exited (0)", Image: "job" },
];
const IMAGES = [{ RepoTags: ["alpine:latest", "localhost:5000/app:1"] }, { RepoTags: null }];

const engine = () =>
  new FakeEngine(({ path, query }) => {
    if (path === "/images/json") return { json: IMAGES };
    return { json: CONTAINERS.slice(0, query?.all ? 2 : 1) };
  });

/** Returns the candidates for a line up to the cursor. A space at the end starts a new word. */
async function offered(line: string, on = engine()): Promise<string[]> {
  const { code, out, err } = await callTsd(on, ["__complete", "--", ...line.split(" ")]);
  assert.deepEqual([code, err], [0, ""], line);
  return out.split("\n").filter((text) => text !== "").map((text) => text.split("\t")[0]);
}

Deno.test("completion: commands, groups and their members are completed", async () => {
  assert.deepEqual(await offered("sta"), ["start", "stats"]);
  assert.deepEqual(await offered("contai"), ["container"]);
  assert.deepEqual(await offered("image ins"), ["inspect"]);
  assert.deepEqual(await offered("daemon st"), ["status", "stop"]);
  assert.deepEqual(await offered("__"), []);
  assert.deepEqual(await offered("nosuch x"), []);
  const all = await offered("");
  for (const { names: [name], hidden } of COMMANDS) {
    if (!name.includes(" ")) assert.equal(all.includes(name), !hidden, name);
  }
});

Deno.test("completion: flags and their values are completed, up to where flags end", async () => {
  assert.deepEqual(await offered("ps --no"), ["--no-trunc"]);
  assert.deepEqual(await offered("-H x ps --no"), ["--no-trunc"]);
  assert.deepEqual(await offered("--ho"), ["--host"]);
  assert.deepEqual(await offered("run --restart un"), ["unless-stopped"]);
  assert.deepEqual(await offered("run --restart=a"), ["--restart=always"]);
  assert.deepEqual(await offered("ps -f stat"), ["status="]);
  assert.deepEqual(await offered("ps -aqf heal"), ["health="]);
  assert.deepEqual(await offered("run --env-file "), [":files"]);
  assert.deepEqual(await offered("run --name "), []);
  assert.deepEqual(await offered("run --name x alp"), ["alpine", "alpine:latest"]);
  // After the image the words belong to another program.
  assert.deepEqual(await offered("run alpine --re"), []);
  assert.deepEqual(await offered("rm -- --"), []);
});

Deno.test("completion: names of containers and images are completed", async () => {
  assert.deepEqual(await offered("rm w"), ["web", "worker"]);
  assert.deepEqual(await offered("rm web w"), ["web", "worker"]);
  assert.deepEqual(await offered("stop w"), ["web"]);
  assert.deepEqual(await offered("logs web w"), []);
  assert.deepEqual(await offered("inspect "), ["web", "worker", "alpine", "alpine:latest", "localhost:5000/app:1"]);
  assert.deepEqual(await offered("image rm local"), ["localhost:5000/app:1"]);
  assert.deepEqual(await offered("completion "), [...SHELLS]);
  const { out } = await callTsd(engine(), ["__complete", "--", "stop", "w"]);
  assert.equal(out, "web\tnginx, Up 2 hours\n");
});

Deno.test("completion: an engine that isn't running is not started and gives no error", async () => {
  const absent = new FakeEngine(() => {
    throw new TsdError("engine_unavailable", "no");
  });
  assert.deepEqual(await offered("rm ", absent), []);
});

Deno.test("completion: there is a script for each shell", async () => {
  for (const shell of SHELLS) {
    const { out } = await callTsd(engine(), ["completion", shell]);
    assert.match(out, /__complete -- /);
    assert(!out.includes("undefined"), shell);
  }
  const { code, err } = await callTsd(engine(), ["completion", "tcsh"]);
  assert.deepEqual([code, err], [1, 'There is no completion for "tcsh": give bash, zsh, fish\n']);
});
