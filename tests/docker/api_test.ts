/** The raw Engine API, as old and new clients use it: API 1.41, 1.44, 1.50 and paths without a version. */
import { strict as assert } from "node:assert";
import type { ApiResponse, EngineApi, HijackedConnection } from "../harness/mod.ts";
import { hostPlatform, readAll } from "../images/mod.ts";
import { type Fixture, scenario } from "../cli/setup.ts";

const VERSIONS = ["1.41", "1.44", "1.50", undefined];
const FRAMED = "application/vnd.docker.multiplexed-stream";
const RAW = "application/vnd.docker.raw-stream";

function apiOf(fixture: Fixture, version: string | undefined): EngineApi {
  return version === undefined ? fixture.engine.api : fixture.engine.api.version(version);
}

/** Checks the headers that every response has, errors included. */
function assertHeaders({ headers }: ApiResponse | HijackedConnection): void {
  assert.equal(headers["api-version"], "1.50");
  assert.equal(headers["ostype"], "linux");
  assert.match(headers["server"] ?? "", /^Docker\/\S+ \(linux\)$/);
}

const JSON_TYPE = { "content-type": "application/json" };

function assertError(response: ApiResponse, status: number, message: string | RegExp): void {
  assert.equal(response.status, status, response.text());
  assertHeaders(response);
  assert.equal(response.headers["content-type"], "application/json");
  const body = response.json<{ message: string }>();
  assert.deepEqual(Object.keys(body), ["message"]);
  if (typeof message === "string") assert.equal(body.message, message);
  else assert.match(body.message, message);
}

async function create(api: EngineApi, name: string, body: Record<string, unknown>): Promise<string> {
  const response = await api.post(`/containers/create?name=${name}`, body);
  assert.equal(response.status, 201, response.text());
  const { Id, Warnings } = response.json<{ Id: string; Warnings: string[] }>();
  assert.match(Id, /^[0-9a-f]{64}$/);
  assert.ok(Array.isArray(Warnings));
  return Id;
}

/** Creates a container without a network. */
function created(fixture: Fixture, name: string, command: readonly string[], more: Record<string, unknown> = {}) {
  const body = { Image: fixture.image, Cmd: command, HostConfig: { NetworkMode: "none" }, ...more };
  return create(fixture.engine.api, name, body);
}

/** Returns the frames of each stream, joined. */
async function framesOf(connection: HijackedConnection): Promise<Record<number, string>> {
  const texts: Record<number, string> = {};
  for await (const { stream, bytes } of connection.frames()) {
    texts[stream] = (texts[stream] ?? "") + new TextDecoder().decode(bytes);
  }
  return texts;
}

/** Returns the frames in a body that is not hijacked (logs). */
function framesIn(body: Uint8Array): [stream: number, text: string][] {
  const frames: [number, string][] = [];
  for (let at = 0; at < body.length;) {
    const sizeBytes = new DataView(body.buffer, body.byteOffset + at).getUint32(4);
    frames.push([body[at]!, new TextDecoder().decode(body.subarray(at + 8, at + 8 + sizeBytes))]);
    at += 8 + sizeBytes;
  }
  return frames;
}

/** Makes all requests of `docker run -i`, in the docker CLI's order. */
async function attachedRun(
  fixture: Fixture,
  api: EngineApi,
  version: string | undefined,
  upgrade: boolean,
): Promise<void> {
  const id = await create(api, "attached", {
    ...{ Image: fixture.image, Cmd: ["sh", "-c", "cat; echo err >&2; exit 7"] },
    ...{ AttachStdin: true, OpenStdin: true, StdinOnce: true, HostConfig: { NetworkMode: "none", AutoRemove: true } },
  });
  using attached = await api.hijack("POST", `/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`, { upgrade });
  const type = version === "1.41" ? RAW : FRAMED;
  assert.deepEqual([attached.status, attached.headers["content-type"]], [upgrade ? 101 : 200, type]);
  if (upgrade) assert.deepEqual([attached.reason, attached.headers["upgrade"]], ["UPGRADED", "tcp"]);
  assertHeaders(attached);
  using waiting = await api.stream("POST", `/containers/${id}/wait?condition=removed`);
  assert.equal(waiting.status, 200);
  const started = await api.post(`/containers/${id}/start`);
  assert.deepEqual([started.status, started.text()], [204, ""]);
  await attached.write("in 1\n");
  await attached.write("in 2\n");
  await attached.closeWrite();
  assert.deepEqual(await framesOf(attached), { 1: "in 1\nin 2\n", 2: "err\n" });
  const [answer] = await Array.fromAsync(waiting.lines());
  assert.deepEqual(JSON.parse(answer ?? ""), { StatusCode: 7 });
  assertError(await api.get(`/containers/${id}/json`), 404, `No such container: ${id}`);
}

async function execs(fixture: Fixture, api: EngineApi, version: string | undefined): Promise<void> {
  const id = await create(api, "box", {
    Image: fixture.image,
    Cmd: ["sleep", "1000"],
    HostConfig: { NetworkMode: "none" },
  });
  assert.equal((await api.post(`/containers/${id}/start`)).status, 204);
  assert.equal((await api.post(`/containers/${id}/start`)).status, 304);
  const request = {
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Cmd: ["sh", "-c", "cat; echo e >&2; exit 3"],
  };
  const made = await api.post(`/containers/box/exec`, request);
  assert.equal(made.status, 201);
  const { Id: execId } = made.json<{ Id: string }>();
  assert.match(execId, /^[0-9a-f]{64}$/);
  assert.deepEqual((await api.get(`/exec/${execId}/json`)).json().ExitCode, null);
  using connection = await api.hijack("POST", `/exec/${execId}/start`, { body: { Detach: false, Tty: false } });
  assert.deepEqual([connection.status, connection.headers["content-type"]], [101, version === "1.41" ? RAW : FRAMED]);
  await connection.write("hello");
  await connection.closeWrite();
  assert.deepEqual(await framesOf(connection), { 1: "hello", 2: "e\n" });
  const { ExitCode, Running, ContainerID } = (await api.get(`/exec/${execId}/json`)).json();
  assert.deepEqual({ ExitCode, Running, ContainerID }, { ExitCode: 3, Running: false, ContainerID: id });
  assertError(await api.post(`/exec/${execId}/start`, { Detach: true }), 409, /^exec \w{64} has been started already$/);
  const atOnce = { body: request, headers: { "Tsd-Attach": "1" }, upgrade: false };
  using single = await api.hijack("POST", "/containers/box/exec", atOnce);
  assert.equal(single.status, 200);
  await single.write("hello");
  await single.closeWrite();
  assert.deepEqual(await framesOf(single), { 1: "hello", 2: "e\n", 4: "3" });
  assert.equal((await api.get(`/exec/${single.headers["tsd-exec-id"]}/json`)).json().ExitCode, 3);
  const detached = (await api.post("/containers/box/exec", { Cmd: ["touch", "/done"] })).json<{ Id: string }>().Id;
  assert.equal((await api.post(`/exec/${detached}/start`, { Detach: true, Tty: false })).status, 200);
  await fixture.until("its end", async () => (await api.get(`/exec/${detached}/json`)).json().ExitCode === 0);
  assert.equal((await api.delete("/containers/box?force=1")).status, 204);
}

scenario("the Engine API", {
  ...Object.fromEntries(VERSIONS.map((version) => [
    `version ${version ?? "in no path"}: ping, info, images, a container's life, attach, exec, logs`,
    async (fixture: Fixture) => {
      const api = apiOf(fixture, version);
      await systemAndImages(fixture, api);
      await life(fixture, api, version);
      await attachedRun(fixture, api, version, true);
      await attachedRun(fixture, api, version, false);
      await execs(fixture, api, version);
    },
  ])),
  "versions that are too new, too old, or invalid": async ({ engine: { api } }) => {
    const newest = "Maximum supported API version is 1.50";
    for (const version of ["1.51", "1.99", "2.0"]) {
      assertError(await api.version(version).get("/info"), 400, `client version ${version} is too new. ${newest}`);
    }
    assertError(
      await api.version("1.23").get("/info"),
      400,
      /^client version 1\.23 is too old\. Minimum supported API version is 1\.24, /,
    );
    for (const path of ["/v1/info", "/v1.x/info", "/vx/info", "/1.41/info"]) {
      assertError(await api.get(path), 404, "page not found");
    }
    // Clients negotiate the version here, so every version is accepted.
    assert.equal((await api.get("/_ping")).headers["api-version"], "1.50");
  },
  "unknown paths and methods": async ({ engine: { api } }) => {
    for (
      const [method, path] of [["GET", "/"], ["GET", "/nope"], ["PUT", "/containers/json"], ["POST", "/session"], [
        "POST",
        "/grpc",
      ], ["GET", "/containers/%ff/json"]] as const
    ) {
      assertError(await api.request(method, path), 404, "page not found");
    }
  },
  "requests from web pages are refused": async ({ engine: { api } }) => {
    const response = await api.get("/containers/json", { headers: { origin: "https://example.com" } });
    assert.equal(response.status, 403);
  },
  "bodies that are not JSON, of the wrong type, too large, or with a NUL": async ({ engine: { api }, image }) => {
    const rows: readonly (readonly [body: unknown, status: number, message: RegExp])[] = [
      ["{", 400, /^invalid JSON: .+$/],
      [new Uint8Array([0x22, 0xff, 0x22]), 400, /^invalid JSON: it is not UTF-8$/],
      [undefined, 400, /^invalid JSON: got EOF while reading request body$/],
      ["[]", 400, /^invalid JSON: the configuration must be an object$/],
      ["null", 400, /^config cannot be empty in order to create a container$/],
      ["{}", 400, /^config cannot be empty in order to create a container$/],
      [{ Image: 5 }, 400, /^Invalid container configuration: Config\.Image must be a text without NUL$/],
      [{ Image: image, Cmd: [1] }, 400, /^Invalid container configuration: Config\.Cmd must be a list of texts$/],
      [{ Image: image, Env: "A=1" }, 400, /Config\.Env must be a list of texts$/],
      [{ Image: image, Tty: "yes" }, 400, /Config\.Tty must be true or false$/],
      [{ Image: image, Cmd: ["a\0b"] }, 400, /Config\.Cmd must be a list of texts$/],
      [{ Image: image, HostConfig: [] }, 400, /HostConfig must be an object$/],
      [{ Image: image, HostConfig: { Memory: "64m" } }, 400, /HostConfig\.Memory must be a whole number$/],
      [{ Image: image, HostConfig: { Memory: 1e300 } }, 400, /HostConfig\.Memory must be a whole number$/],
      [{ Image: image, HostConfig: { Binds: ["/a:/b", 1] } }, 400, /HostConfig\.Binds must be a list of texts$/],
      [{ Image: "UPPER" }, 400, /^invalid reference format/],
      [{ Image: "absent" }, 404, /^No such image: absent:latest$/],
      [{}, 400, /./],
      [" ".repeat((4 << 20) + 1), 413, /^The request's body is larger than 4194304 bytes$/],
      ["[".repeat(100_000), 400, /^invalid JSON: exceeded max depth$/],
      [`{"Labels":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, 400, /^invalid JSON: exceeded max depth$/],
      [{ Image: "x", Labels: { a: "[".repeat(1000) + '\\"{' } }, 404, /^No such image: x:latest$/],
    ];
    for (const [body, status, message] of rows) {
      assertError(await api.request("POST", "/containers/create", { body, headers: JSON_TYPE }), status, message);
    }
    assertError(await api.post("/containers/absent/exec", { Cmd: ["true"] }), 404, "No such container: absent");
  },
  "a chunked body": async (fixture) => {
    const text = JSON.stringify({ Image: fixture.image, HostConfig: { NetworkMode: "none" } });
    const body = ReadableStream.from([text.slice(0, 10), text.slice(10)].map((part) => new TextEncoder().encode(part)));
    const path = "/containers/create?name=chunked";
    const response = await fixture.engine.api.request("POST", path, { body, headers: JSON_TYPE });
    assert.equal(response.status, 201, response.text());
    await fixture.remove("chunked");
  },
  "invalid parameters": async ({ engine: { api } }) => {
    const rows: readonly (readonly [method: string, path: string, status: number, message: RegExp])[] = [
      ["GET", "/containers/json?limit=x", 400, /^Bad parameter limit="x": not a whole number$/],
      ["GET", "/containers/json?filters=nonsense", 400, /^invalid filter: not a JSON object$/],
      ["GET", "/containers/json?filters=%5B%5D", 400, /^invalid filter: not a JSON object$/],
      ["GET", "/containers/json?filters=%7B%22odd%22%3A%5B%22x%22%5D%7D", 400, /^invalid filter 'odd'$/],
      ["GET", "/images/json?filters=%7B%22odd%22%3A%5B%22x%22%5D%7D", 400, /^invalid filter 'odd'$/],
      ["POST", "/containers/absent/stop?t=soon", 400, /^Bad parameter t="soon": not a whole number$/],
      ["POST", "/containers/absent/wait?condition=odd", 400, /^invalid condition: "odd"$/],
      ["GET", "/containers/absent/logs?stdout=1", 404, /^No such container: absent$/],
      ["POST", "/images/create?fromImage=x&tag=!", 400, /^invalid tag format$/],
      ["POST", "/images/create", 501, /only pulling \(fromImage\) is supported yet$/],
      ["GET", "/exec/absent/json", 404, /^No such exec instance: absent$/],
      ["POST", "/exec/absent/start", 404, /^No such exec instance: absent$/],
    ];
    for (const [method, path, status, message] of rows) assertError(await api.request(method, path), status, message);
  },
  "filters in both forms": async (fixture) => {
    const { api } = fixture.engine;
    await create(api, "one", { Image: fixture.image, Labels: { a: "1" } });
    await create(api, "two", { Image: fixture.image, Labels: { a: "2" } });
    for (
      const filters of [{ label: ["a=1"] }, { label: { "a=1": true } }, {
        name: { one: true },
        status: { created: true, exited: true },
      }]
    ) {
      const listed = await api.get(`/containers/json?all=1&filters=${encodeURIComponent(JSON.stringify(filters))}`);
      assert.deepEqual(listed.json<{ Names: string[] }[]>().map(({ Names }) => Names), [["/one"]]);
    }
    await fixture.remove("one", "two");
  },
  "a pull: messages line by line, errors before and in the stream": async (fixture) => {
    const { api } = fixture.engine;
    const name = encodeURIComponent(fixture.image);
    const pulled = await api.post(`/images/create?fromImage=${name}&tag=latest`);
    assert.deepEqual([pulled.status, pulled.headers["content-type"]], [200, "application/json"]);
    assert.match(pulled.text(), /^(\{.*\}\r\n)+$/);
    const statuses = pulled.jsonLines<{ status: string }>().map(({ status }) => status);
    assert.deepEqual(statuses[0], "Pulling from busybox");
    assert.match(statuses.at(-1) ?? "", /^Status: Image is up to date for \S+:latest$/);
    assertError(
      await api.post(`/images/create?fromImage=${encodeURIComponent(`${fixture.registry.host}/absent`)}&tag=1`),
      404,
      /^manifest for \S+\/absent:1 not found: /,
    );
  },
  "attach to a stopped container, without stream or logs, and with logs only": async (fixture) => {
    const { api } = fixture.engine;
    const id = await create(api, "said", {
      Image: fixture.image,
      Cmd: ["echo", "hi"],
      HostConfig: { NetworkMode: "none" },
    });
    assertError(
      await api.post(`/containers/${id}/attach?stdout=1`),
      400,
      /^Bad parameters: you must choose stream or logs$/,
    );
    await api.post(`/containers/${id}/start`);
    await api.post(`/containers/${id}/wait`);
    using logs = await api.hijack("POST", `/containers/${id}/attach?logs=1&stdout=1&stderr=1`);
    assert.deepEqual(await framesOf(logs), { 1: "hi\n" });
    await fixture.remove("said");
  },
  "a client that drops its attach, wait or logs request leaves nothing behind": async (fixture) => {
    const { api } = fixture.engine;
    for (const script of ["while :; do echo tick; sleep 0.02; done", "sleep 1000"]) {
      const id = await created(fixture, "dropped", ["sh", "-c", script], { OpenStdin: true });
      await api.post(`/containers/${id}/start`);
      // Resources that the first follower opens for all of them are open from here on.
      (await api.stream("GET", `/containers/${id}/logs?stdout=1&follow=1`))[Symbol.dispose]();
      const before = await fixture.descriptors();
      for (let count = 0; count < 10; count++) {
        for (const streams of ["stdout=1&stderr=1", "stdin=1&stdout=1"]) {
          using attached = await api.hijack("POST", `/containers/${id}/attach?stream=1&${streams}`);
          // As the docker CLI does without input.
          if (count % 2 === 0) await attached.closeWrite();
        }
        using _waiting = await api.stream("POST", `/containers/${id}/wait`);
        using _logs = await api.stream("GET", `/containers/${id}/logs?stdout=1&follow=1`);
      }
      await fixture.noNewDescriptors(before);
      await fixture.remove("dropped");
    }
  },
  "concurrent start, stop, kill and remove give valid statuses only, and leave nothing": async (fixture) => {
    const { api } = fixture.engine;
    const ids = await Promise.all(["a1", "a2", "a3"].map((name) => created(fixture, name, ["sleep", "1000"])));
    const steps: ((id: string) => Promise<ApiResponse>)[] = [
      (id) => api.post(`/containers/${id}/start`),
      (id) => api.post(`/containers/${id}/stop?t=0`),
      (id) => api.post(`/containers/${id}/kill`),
      (id) => api.post(`/containers/${id}/start`),
      (id) => api.delete(`/containers/${id}?force=1`),
      (id) => api.post(`/containers/${id}/start`),
      (id) => api.delete(`/containers/${id}?force=1`),
    ];
    const answers = await Promise.all(ids.flatMap((id) => steps.map((step) => step(id))));
    for (const answer of answers) {
      assert.ok([204, 304, 404, 409].includes(answer.status), `${answer.status} ${answer.text()}`);
    }
  },
  "input sent just before the client disconnects arrives": async (fixture) => {
    const { api } = fixture.engine;
    const id = await created(fixture, "fed", ["sh", "-c", "sleep 0.2; wc -c"], { OpenStdin: true, StdinOnce: true });
    {
      using attached = await api.hijack("POST", `/containers/${id}/attach?stream=1&stdin=1`);
      await api.post(`/containers/${id}/start`);
      await attached.write(new Uint8Array(300_000));
    }
    assert.deepEqual((await api.post(`/containers/${id}/wait`)).json(), { StatusCode: 0 });
    assert.deepEqual(framesIn((await api.get(`/containers/${id}/logs?stdout=1`)).body), [[1, "300000\n"]]);
    await fixture.remove("fed");
  },
});

async function systemAndImages(fixture: Fixture, api: EngineApi): Promise<void> {
  for (const method of ["GET", "HEAD"]) {
    const ping = await api.request(method, "/_ping");
    assert.deepEqual([ping.status, ping.text()], [200, method === "GET" ? "OK" : ""]);
    assertHeaders(ping);
    const { "builder-version": builder, swarm, "cache-control": cache, pragma } = ping.headers;
    assert.deepEqual([builder, swarm, cache, pragma], [
      "1",
      "inactive",
      "no-cache, no-store, must-revalidate",
      "no-cache",
    ]);
  }
  const version = (await api.get("/version")).json();
  assert.deepEqual([version.ApiVersion, version.MinAPIVersion, version.Os], ["1.50", "1.24", "linux"]);
  const info = (await api.get("/info")).json();
  assert.deepEqual([info.Images, info.OSType, info.DockerRootDir], [1, "linux", fixture.engine.dataRoot]);
  const images = (await api.get("/images/json")).json<Record<string, unknown>[]>();
  assert.deepEqual(images.map(({ RepoTags }) => RepoTags), [[`${fixture.image}:latest`]]);
  const image = await api.get(`/images/${fixture.image}:latest/json`);
  assert.deepEqual([image.json().Id, image.json().Architecture], [images[0]!.Id, hostPlatform().architecture]);
  assertError(await api.get("/images/absent/json"), 404, "No such image: absent:latest");
}

async function life(fixture: Fixture, api: EngineApi, version: string | undefined): Promise<void> {
  const script = "echo out; echo err >&2; trap 'exit 3' TERM; while :; do sleep 0.02; done";
  const id = await create(api, "life", {
    Image: fixture.image,
    Cmd: ["sh", "-c", script],
    HostConfig: { NetworkMode: "none" },
  });
  assertError(
    await api.post("/containers/create?name=life", { Image: fixture.image }),
    409,
    /^Conflict\. The container name "\/life" is already in use by container "\w{64}"\./,
  );
  assertError(await api.post(`/containers/${id}/kill`), 409, /is not running$/);
  assert.equal((await api.post(`/containers/${id}/stop`)).status, 304);
  assert.equal((await api.post("/containers/life/start")).status, 204);
  const listed = (await api.get("/containers/json")).json<Record<string, unknown>[]>();
  const { Id, Names, Image, State, Ports, Mounts, Labels } = listed[0]!;
  assert.deepEqual({ Id, Names, Image, State, Ports, Mounts, Labels }, {
    ...{ Id: id, Names: ["/life"], Image: fixture.image, State: "running", Ports: [], Mounts: [], Labels: {} },
  });
  const path = `/containers/${id.slice(0, 12)}/logs?stdout=1&stderr=1`;
  await fixture.until("its output", async () => framesIn((await api.get(path)).body).length === 2);
  const logs = await api.get(path);
  assert.deepEqual(framesIn(logs.body).sort(), [[1, "out\n"], [2, "err\n"]]);
  assert.equal(logs.headers["content-type"], version === "1.41" ? RAW : FRAMED);
  assert.deepEqual(framesIn((await api.get(`/containers/${id}/logs?stderr=1&tail=1`)).body), [[2, "err\n"]]);
  assertError(await api.get(`/containers/${id}/logs`), 400, "Bad parameters: you must choose at least one stream");
  using following = await api.stream("GET", `/containers/${id}/logs?stdout=1&follow=1`);
  assertError(
    await api.delete(`/containers/${id}`),
    409,
    /container is running: stop the container before removing or force remove$/,
  );
  assert.equal((await api.post(`/containers/${id}/stop?t=20`)).status, 204);
  assert.deepEqual(framesIn(await readAll(following.chunks())), [[1, "out\n"]]);
  assert.deepEqual((await api.post(`/containers/${id}/wait`)).json(), { StatusCode: 3 });
  const inspected = (await api.get("/containers/life/json")).json<{ State: Record<string, unknown> }>();
  assert.deepEqual([inspected.State.Status, inspected.State.ExitCode], ["exited", 3]);
  assert.equal((await api.delete("/containers/life")).status, 204);
  assertError(await api.delete("/containers/life"), 404, "No such container: life");
}
