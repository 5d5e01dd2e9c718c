/** Wrong input to the docker CLI: the engine's error in one line, Docker's exit codes, and nothing left behind. */
import { strict as assert } from "node:assert";
import { freePort } from "../registry/mod.ts";
import { type Fixture, scenario } from "../cli/setup.ts";

/** A command line (IMAGE and HOST stand for the fixture's), the exit code, the engine's message, and what stays. */
type Row = readonly [line: string, code: number, said: string | RegExp, leaves?: "container"];

async function refuses(fixture: Fixture, rows: readonly Row[]): Promise<void> {
  const [containers, traces] = [await fixture.containers(), await fixture.traces()];
  for (const [line, code, said, leaves] of rows) {
    const words = line.replaceAll("IMAGE", fixture.image).replaceAll("HOST", fixture.registry.host).split(" ");
    const result = await fixture.docker(...words);
    const shown = `docker ${line}: ${JSON.stringify(result)}`;
    assert.equal(result.code, code, shown);
    assert.match(result.stdout, /^(Using default tag: latest\n)?$/, shown);
    assert.match(result.stderr, wholeError(said), shown);
    assert.doesNotMatch(result.stderr, /at file:| {4}at |\.ts:\d/, shown);
    const left = (await fixture.containers()).filter((id) => !containers.includes(id));
    assert.equal(left.length, leaves === undefined ? 0 : 1, `${line} left ${left.length} containers`);
    if (left.length > 0) await fixture.remove(...left);
  }
  await fixture.noNewTraces(traces);
}

/**
 * Returns a pattern for the error as docker 20.10 to 28 print it: 20.10 appends a full stop, has different texts for
 * missing objects, and reports that it stops waiting; all others print a hint.
 */
function wholeError(said: string | RegExp): RegExp {
  const text = typeof said === "string" ? said.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&") : said.source;
  const pull = "(?:Unable to find image '[^']+' locally\n)?";
  const error = `(?:docker: )?Error(?: response from daemon)?: (?:${text})\\.?\n`;
  const hint = "(?:\n?(?:See|Run) 'docker [a-z]+ --help'[^\n]*\n)?";
  const waiting = "(?:[^\n]*error waiting for container: context canceled[^\n]*\n)?";
  return new RegExp(`^${pull}${waiting}${error}${hint}${waiting}$`);
}

scenario("docker: bad input", {
  "images and registries": async (fixture) => {
    const closed = `127.0.0.1:${freePort()}`;
    const missing = (name: string) => `manifest for ${name} not found: manifest unknown: manifest unknown`;
    const { host } = fixture.registry;
    await refuses(fixture, [
      ["pull HOST/absent", 1, missing(`${host}/absent:latest`)],
      ["run HOST/absent:2", 125, missing(`${host}/absent:2`)],
      [`pull ${closed}/x`, 1, `Cannot reach registry ${closed}: connection refused`],
      [`run ${closed}/x`, 125, `Cannot reach registry ${closed}: connection refused`],
      ["rmi absent", 1, /No such image: absent(:latest)?/],
      ["history absent", 1, /No such image: absent(:latest)?/],
    ]);
  },
  "run": async (fixture) => {
    const cannot = "Cannot create the container: ";
    const start = "failed to create task for container: .*unable to start container process: ";
    await refuses(fixture, [
      [
        "run --network none IMAGE nope",
        127,
        new RegExp(`${start}exec: "nope": executable file not found in \\$PATH.*`),
        "container",
      ],
      [
        "run --rm --network none IMAGE nope",
        127,
        new RegExp(`${start}exec: "nope": executable file not found in \\$PATH.*`),
      ],
      ["run --rm --network none IMAGE /no/where", 127, new RegExp(`${start}.*no such file or directory.*`)],
      [
        "run --rm --network none IMAGE /etc/passwd",
        126,
        new RegExp(`${start}exec: "/etc/passwd": permission denied.*`),
      ],
      ["run --rm --network none IMAGE /etc", 126, new RegExp(`${start}exec: "/etc": .*`)],
      [
        "run --rm --network none -u nobody2 IMAGE",
        125,
        "unable to find user nobody2: no matching entries in passwd file",
      ],
      ["run --network none --name b/c IMAGE", 125, /Invalid container name \(b\/c\), only .*/],
      [
        "run --network none -w rel IMAGE",
        125,
        "the working directory 'rel' is invalid, it needs to be an absolute path",
      ],
      ["run --network none --cap-add NONSENSE IMAGE", 125, /invalid CapAdd: unknown capability: "CAP_NONSENSE".*/],
      [
        "run --network none --mount type=bind,source=/no/where,target=/x IMAGE",
        125,
        /invalid mount config for type "bind": bind source path does not exist: \/no\/where/,
      ],
      ["run --rm --network web IMAGE", 125, "failed to set up container networking: network web not found"],
      ["run --network none --gpus all IMAGE", 125, `${cannot}--gpus is not supported yet`],
      ["run --network none -m 5m IMAGE", 125, "Minimum memory limit allowed is 6MB"],
      [
        "run --network none -m 64m --memory-swap 32m IMAGE",
        125,
        "Minimum memoryswap limit should be larger than memory limit, see usage",
      ],
      ["run --network none --runtime nope IMAGE", 125, "unknown or invalid runtime name: nope"],
      ["run --network none --ipc nope IMAGE", 125, "invalid IPC mode: nope"],
    ]);
  },
  "containers in the wrong state": async (fixture) => {
    const up = await fixture.background("up");
    const done = await fixture.background("done", ["true"]);
    await fixture.tsd("wait", "done");
    const inUse = `Conflict. The container name "/up" is already in use by container "${up}". ` +
      "You have to remove (or rename) that container to be able to reuse that name";
    await refuses(fixture, [
      ["start absent", 1, /No such container: absent(\nError: failed to start containers: absent)?/],
      ["kill absent", 1, "cannot kill container: absent: No such container: absent"],
      ...["stop", "rm", "logs", "wait"].map((verb): Row => [`${verb} absent`, 1, "No such container: absent"]),
      ["kill done", 1, new RegExp(`[Cc]annot kill container: done: (Container|container) ${done} is not running`)],
      [
        "rm up",
        1,
        /cannot remove container "up": container is running: stop the container before removing or force remove/,
      ],
      ["exec done id", 1, `container ${done} is not running`],
      ["run --network none --name up IMAGE", 125, inUse],
    ]);
    await fixture.remove("up", "done");
  },
}, "docker");
