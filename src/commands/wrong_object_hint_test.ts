import { strict as assert } from "node:assert";
import { FakeEngine } from "../client/fake_engine_testing.ts";
import { TsdError } from "../errors.ts";
import { callTsd } from "./session_testing.ts";

/** An engine with one container, `box`, and one image, `alpine`; all removals fail. */
const engine = () =>
  new FakeEngine(({ method, path }) => {
    const [, kind, name] = /^\/(containers|images)\/(.*?)(?:\/json)?$/.exec(path) ?? [];
    if (method === "GET" && (name === "box") === (kind === "containers") && name !== "absent") return { json: {} };
    if (kind === "containers") throw new TsdError("container_not_found", `No such container: ${name}`);
    throw new TsdError("image_not_found", `No such image: ${name}:latest`);
  });

Deno.test("rm of an image and rmi of a container name the right command", async () => {
  assert.deepEqual(await callTsd(engine(), ["rm", "alpine"]), {
    code: 1,
    out: "",
    err: "tsd: No such container: alpine (there is an image of that name: 'tsd rmi alpine' removes it)\n",
  });
  assert.deepEqual(await callTsd(engine(), ["rmi", "box"]), {
    code: 1,
    out: "",
    err: "tsd: No such image: box:latest (there is a container of that name: 'tsd rm box' removes it)\n",
  });
});

Deno.test("an unknown name gives Docker's error; with -f the exit code is 0", async () => {
  const words = "tsd: No such container: absent\n";
  assert.deepEqual(await callTsd(engine(), ["rm", "absent"]), { code: 1, out: "", err: words });
  assert.deepEqual(await callTsd(engine(), ["rm", "-f", "absent"]), { code: 0, out: "", err: words });
  const image = "tsd: No such image: absent:latest\n";
  assert.deepEqual(await callTsd(engine(), ["rmi", "absent"]), { code: 1, out: "", err: image });
  assert.deepEqual(await callTsd(engine(), ["rmi", "-f", "absent"]), { code: 0, out: "", err: image });
});

Deno.test("rmi, history and image inspect pass the platform to the engine", async () => {
  const listening = new FakeEngine(({ method }) => ({ json: method === "DELETE" ? [] : [] }));
  const platform = '{"architecture":"arm64","os":"linux","variant":"v8"}';
  await callTsd(listening, ["rmi", "--platform", "linux/arm64", "a"]);
  await callTsd(listening, ["history", "--platform", "linux/arm64", "a"]);
  await callTsd(listening, ["image", "inspect", "--platform", "arm64", "a"]);
  await callTsd(listening, ["image", "inspect", "a"]);
  assert.deepEqual(listening.requests.map(({ query }) => query?.platforms ?? query?.platform), [
    ...[[platform], platform, platform, undefined],
  ]);
});
