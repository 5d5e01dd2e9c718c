/** Wrong input of users: one clear line, the right exit code, and nothing left behind. */
import { strict as assert } from "node:assert";
import type { RunResult } from "../harness/mod.ts";
import { freePort } from "../registry/mod.ts";
import { expectResult, type Fixture, scenario } from "./setup.ts";

/**
 * A command line (IMAGE and HOST stand for the fixture's, RUN for `run --network none`, '' for an empty argument), the
 * exit code, and the message: the full text, or a pattern for all of it.
 */
type Row = readonly [line: string, code: number, said: string | RegExp, more?: More];

interface More {
  readonly stdout?: string;
  /** Output before the error, including its newline. */
  readonly before?: string;
  /** As in Docker, the container stays in state "created" and can be inspected. */
  readonly leaves?: "container";
}

/** Expects requests that fail with `tsd: …`. */
function failures(fixture: Fixture, rows: readonly Row[]): Promise<void> {
  return refuses(fixture, rows, (said) => `tsd: ${said}`);
}

/** Expects failures that show Docker's message alone. */
function plainFailures(fixture: Fixture, rows: readonly Row[]): Promise<void> {
  return refuses(fixture, rows, (said) => said);
}

/** Expects usage errors: the message and a hint to `--help`. */
function usageErrors(fixture: Fixture, rows: readonly Row[]): Promise<void> {
  return refuses(fixture, rows, (said) => `${said}\nSee 'tsd( [a-z]+)? --help'\\.`);
}

async function refuses(fixture: Fixture, rows: readonly Row[], whole: (said: string) => string): Promise<void> {
  const [containers, traces] = [await fixture.containers(), await fixture.traces()];
  for (const [line, code, said, { stdout = "", before = "", leaves }] of rows.map(withMore)) {
    const result = await fixture.tsd(...stringsOf(fixture, line));
    const shown = `tsd ${line}: ${JSON.stringify(result)}`;
    assert.equal(result.code, code, shown);
    assert.equal(result.stdout, stdout, shown);
    const pattern = typeof said === "string" ? escaped(said) : said.source;
    assert.match(result.stderr, new RegExp(`^${escaped(before)}${whole(`(?:${pattern})`)}\n$`), shown);
    assertNoTrace(result, shown);
    const left = (await fixture.containers()).filter((id) => !containers.includes(id));
    assert.equal(left.length, leaves === undefined ? 0 : 1, `${line} left ${left.length} containers`);
    for (const id of left) await fixture.remove(id);
  }
  await fixture.noNewTraces(traces);
}

const withMore = ([line, code, said, more = {}]: Row) => [line, code, said, more] as const;
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");

function stringsOf(fixture: Fixture, line: string): string[] {
  const text = line.replace(/^RUN/, "run --network none").replaceAll("IMAGE", fixture.image)
    .replaceAll("HOST", fixture.registry.host).replaceAll("FOLDER", fixture.dir);
  return text.split(" ").map((word) => word === "''" ? "" : word);
}

/** Fails if the output has stack traces or nested errors. */
function assertNoTrace({ stdout, stderr }: RunResult, shown: string): void {
  assert.doesNotMatch(stdout + stderr, /at file:| {4}at |\.ts:\d|\[object|undefined|Error:.*Error:/, shown);
}

const TAGGED = { stdout: "Using default tag: latest\n" };
const LEAVES = { leaves: "container" } as const;

scenario("tsd: bad input", {
  "image names": async (fixture) => {
    const { host } = fixture.registry;
    const missing = (name: string) => `manifest for ${name} not found: manifest unknown: manifest unknown`;
    const uppercase = "invalid reference format: repository name (library/UPPER) must be lowercase";
    const [closed, refused] = [`127.0.0.1:${freePort()}`, "connection refused"];
    const before = (name: string) => ({ before: `Unable to find image '${name}' locally\n` });
    await failures(fixture, [
      ["run UPPER", 125, uppercase],
      ["create UPPER", 1, uppercase],
      ["pull UPPER", 1, uppercase],
      ["run IMAGE:bad!", 125, "invalid reference format"],
      ["run ''", 125, "invalid reference format"],
      ["pull a:b:c", 1, "invalid reference format"],
      ["pull HOST/x@sha256:12", 1, /invalid reference format|invalid checksum digest length/],
      ["pull HOST/x/../../y", 1, "invalid reference format"],
      ["pull HOST/absent", 1, missing(`${host}/absent:latest`), TAGGED],
      ["pull -q IMAGE:absent", 1, missing(`${fixture.image}:absent`)],
      ["run HOST/absent", 125, missing(`${host}/absent:latest`), before(`${host}/absent:latest`)],
      ["run --pull never HOST/absent", 125, `No such image: ${host}/absent:latest`],
      [`pull ${closed}/x:1`, 1, `Cannot reach registry ${closed}: ${refused}`],
      [`run ${closed}/x:1`, 125, `Cannot reach registry ${closed}: ${refused}`, before(`${closed}/x:1`)],
      ["pull --platform nonsense/a/b/c IMAGE", 1, /.*nonsense\/a\/b\/c.*/, TAGGED],
      ["rmi absent", 1, "No such image: absent:latest"],
      ["rmi ''", 1, "invalid name or ID: value is empty"],
      ["rmi UPPER", 1, uppercase],
      ["rmi sha256:0123", 1, "No such image: sha256:0123"],
    ]);
    await usageErrors(fixture, [
      [
        "run --pull sometimes IMAGE",
        125,
        'invalid pull option: \'sometimes\': must be one of "always", "missing" or "never"',
      ],
    ]);
    expectResult(await fixture.tsd("inspect", "absent"), {
      code: 1,
      stdout: "[]\n",
      stderr: "Error: No such object: absent\n",
    });
  },
  "commands and flags": async (fixture) => {
    await usageErrors(fixture, [
      ["rnu", 1, "tsd: unknown command: tsd rnu\nDid you mean 'tsd run'?"],
      ["frobnicate", 1, "tsd: unknown command: tsd frobnicate"],
      ["run", 1, "tsd: 'tsd run' requires at least 1 argument"],
      ["exec x", 1, "tsd: 'tsd exec' requires at least 2 arguments"],
      ["logs", 1, "tsd: 'tsd logs' requires 1 argument"],
      ["pull a b", 1, "tsd: 'tsd pull' requires 1 argument"],
      ["ps x", 1, "tsd: 'tsd ps' accepts no arguments"],
      ...["create", "rm", "stop", "start", "kill", "wait", "rmi", "inspect"].map((
        verb,
      ): Row => [verb, 1, `tsd: 'tsd ${verb}' requires at least 1 argument`]),
      ["RUN --nmae x IMAGE", 125, "unknown flag: --nmae\nDid you mean '--name'?"],
      ["RUN --frobnicate IMAGE", 125, "unknown flag: --frobnicate"],
      ["RUN -Z IMAGE", 125, "unknown shorthand flag: 'Z' in -Z"],
      ["RUN --rm=maybe IMAGE", 125, /invalid argument "maybe" for "--rm" flag: .+/],
      ["run --name", 125, "flag needs an argument: --name"],
      ["stop -t soon x", 125, /invalid argument "soon" for "-t, --timeout" flag: .+/],
      [
        "ps --filter name",
        125,
        'invalid argument "name" for "-f, --filter" flag: bad format of filter (expected name=value)',
      ],
    ]);
    await failures(fixture, [
      ["ps --filter nonsense=1", 1, "invalid filter 'nonsense'"],
      ["ps --filter status=odd", 1, /invalid filter 'status=odd': invalid value for state \(odd\): must be one of .+/],
      ["ps --filter before=absent", 1, "No such container: absent"],
      ["images --filter nonsense=1", 1, "invalid filter 'nonsense'"],
    ]);
  },
  "arguments of run": async (fixture) => {
    await Deno.writeTextFile(`${fixture.dir}/bad-env`, "=value\n");
    const name = (given: string) => `Invalid container name (${given}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`;
    const relative = "invalid mount path: 'rel' mount path must be absolute";
    const bind = 'invalid mount config for type "bind"';
    await usageErrors(fixture, [
      ["RUN -e =x IMAGE", 125, 'invalid argument "=x" for "-e, --env" flag: invalid environment variable: =x'],
      ["RUN -l =x IMAGE", 125, /invalid argument "=x" for "-l, --label" flag: .+/],
      ["RUN -v /tmp:/x:ro:z IMAGE", 125, "invalid spec: /tmp:/x:ro:z: too many colons"],
      ["RUN -v :/x IMAGE", 125, "invalid spec: :/x: empty section between colons"],
      ["RUN -v '' IMAGE", 125, "invalid empty volume spec"],
      ["RUN --env-file /no/where IMAGE", 125, "open /no/where: no such file or directory"],
      ["RUN --env-file FOLDER/bad-env IMAGE", 125, /.*bad-env.*no variable name.*/],
    ]);
    await failures(fixture, [
      ["RUN -w rel IMAGE", 125, "the working directory 'rel' is invalid, it needs to be an absolute path"],
      ["RUN --name b/c IMAGE", 125, name("b/c")],
      ["RUN --name -x IMAGE", 125, name("-x")],
      ["RUN --name a IMAGE", 125, name("a")],
      ["RUN -v /tmp:rel IMAGE", 125, `invalid volume specification: '/tmp:rel': ${bind}: ${relative}`],
      [
        "RUN -v /tmp:/ IMAGE",
        125,
        `invalid volume specification: '/tmp:/': ${bind}: invalid specification: destination can't be '/'`,
      ],
      ["RUN -v /tmp:/x:odd IMAGE", 125, "invalid mode: odd"],
      ["RUN -v a/b:/x IMAGE", 125, /create a\/b: "a\/b" includes invalid characters for a local volume name, .+/],
      ["RUN -v /tmp:/x -v /etc:/x IMAGE", 125, "Duplicate mount point: /x"],
      ["RUN -v /etc/passwd/no:/x IMAGE", 125, /error while creating mount source path '\/etc\/passwd\/no': .+/, LEAVES],
      ["RUN --tmpfs rel IMAGE", 125, relative],
      ["RUN --cap-add NONSENSE IMAGE", 125, 'invalid CapAdd: unknown capability: "CAP_NONSENSE"'],
      ["RUN --stop-signal FOO IMAGE", 125, "invalid signal: FOO"],
      ["RUN --entrypoint= IMAGE", 125, "no command specified"],
      ["RUN -u nobody2 IMAGE", 125, "unable to find user nobody2: no matching entries in passwd file", LEAVES],
      ["RUN -u 0:nogroup2 IMAGE", 125, "unable to find group nogroup2: no matching entries in group file", LEAVES],
      ["RUN --rm -u nobody2 IMAGE", 125, "unable to find user nobody2: no matching entries in passwd file"],
    ]);
  },
  "contradictory limits, devices and namespaces": async (fixture) => {
    const cpus = navigator.hardwareConcurrency;
    const bad = (flag: string, value: string, why: string) => `invalid argument "${value}" for "${flag}" flag: ${why}`;
    await usageErrors(fixture, [
      ["RUN -m lots IMAGE", 125, bad("-m, --memory", "lots", "invalid size: 'lots'")],
      ["RUN --cpus two IMAGE", 125, bad("--cpus", "two", "failed to parse two as a rational number")],
      ["RUN --ulimit as=1 IMAGE", 125, bad("--ulimit", "as=1", "invalid ulimit type: as")],
      ["RUN --memory-swappiness 101 IMAGE", 125, "invalid value: 101. Valid memory swappiness range is 0-100"],
      ["RUN --device /dev/null:/x:zz IMAGE", 125, "bad mode specified: zz"],
      ["RUN --pid nope IMAGE", 125, "--pid: invalid PID mode"],
      ["RUN --security-opt seccomp=FOLDER/x IMAGE", 125, /opening seccomp profile .*no such file or directory/],
      ["RUN --rm --restart always IMAGE", 125, "conflicting options: cannot specify both --restart and --rm"],
      ["RUN --pull sometimes IMAGE", 125, /invalid pull option: 'sometimes': must be one of .*/],
    ]);
    await failures(fixture, [
      ["RUN -m 5m IMAGE", 125, "Minimum memory limit allowed is 6MB"],
      [
        "RUN -m 64m --memory-swap 32m IMAGE",
        125,
        "Minimum memoryswap limit should be larger than memory limit, see usage",
      ],
      [
        "RUN --memory-swap 32m IMAGE",
        125,
        "You should always set the Memory limit when using Memoryswap limit, see usage",
      ],
      [
        "RUN -m 64m --memory-reservation 128m IMAGE",
        125,
        "Minimum memory limit can not be less than memory reservation limit, see usage",
      ],
      ["RUN --cpus 1 --cpu-quota 5000 IMAGE", 125, "Conflicting options: Nano CPUs and CPU Quota cannot both be set"],
      [
        `RUN --cpus ${cpus + 1} IMAGE`,
        125,
        `range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`,
      ],
      ["RUN --cpuset-cpus 4000 IMAGE", 125, /Requested CPUs are not available - requested 4000, available: .+/],
      ["RUN --blkio-weight 5 IMAGE", 125, "Range of blkio weight is from 10 to 1000"],
      ["RUN --cap-add NOPE IMAGE", 125, 'invalid CapAdd: unknown capability: "CAP_NOPE"'],
      ["RUN --oom-score-adj 2000 IMAGE", 125, "Invalid value 2000, range for oom score adj is [-1000, 1000]"],
      ["RUN --ipc nope IMAGE", 125, "invalid IPC mode: nope"],
      ["RUN --uts host -h box IMAGE", 125, "conflicting options: hostname and the UTS mode"],
      ["RUN --runtime nope IMAGE", 125, "unknown or invalid runtime name: nope"],
      ["RUN --restart odd IMAGE", 125, /invalid restart policy: unknown policy 'odd'; .+/],
      ["RUN --security-opt odd=x IMAGE", 125, 'invalid --security-opt 2: "odd=x"'],
      ["RUN --mount type=odd,dst=/x IMAGE", 125, 'invalid mount config for type "odd": mount type unknown'],
      [
        "run --network host --sysctl net.ipv4.ip_forward=1 IMAGE",
        125,
        "sysctl 'net.ipv4.ip_forward' not allowed in host network namespace",
      ],
    ]);
  },
  "commands that cannot be executed leave the same container as Docker does": async (fixture) => {
    const start = "failed to create task for container: .*unable to start container process: ";
    const rows: readonly (readonly [command: string, code: number, why: string])[] = [
      ["nope", 127, 'exec: "nope": executable file not found in \\$PATH: unknown'],
      ["/no/where", 127, 'exec: "/no/where": stat /no/where: no such file or directory: unknown'],
      ["/etc/passwd", 126, 'exec: "/etc/passwd": permission denied: unknown'],
      ["/etc", 126, 'exec: "/etc": (permission denied: unknown|is a directory: unknown: permission denied)'],
    ];
    for (const [command, code, why] of rows) {
      const said = new RegExp(start + why);
      await failures(fixture, [
        [`RUN --rm IMAGE ${command}`, code, said],
        [`RUN IMAGE ${command}`, code, said, LEAVES],
      ]);
    }
    const { stdout } = await fixture.tsd("create", "--network", "none", "--name", "broken", fixture.image, "nope");
    await failures(fixture, [[
      "start broken",
      1,
      new RegExp(`${start}exec: "nope": executable file not found in \\$PATH: unknown`),
    ]]);
    const listed = await fixture.tsd("ps", "-a", "--no-trunc", "--format", "json");
    expectResult(listed, { stdout: new RegExp(`"ID":"${stdout.trim()}".*"Status":"Created"`) });
    const [{ State }] = JSON.parse((await fixture.tsd("inspect", "broken")).stdout);
    assert.deepEqual([State.Status, State.ExitCode], ["created", 127]);
    assert.match(State.Error, /executable file not found in \$PATH: unknown$/);
    await fixture.remove("broken");
  },
  "unsupported options are reported as such": async (fixture) => {
    await failures(fixture, [
      ["run --rm --network web IMAGE", 125, "failed to set up container networking: network web not found"],
    ]);
    await usageErrors(fixture, [
      ["RUN --gpus all IMAGE", 125, "--gpus is not supported yet"],
      ["RUN --cpu-count 1 IMAGE", 125, "--cpu-count is not supported: it is for Windows only"],
      ["rm --link x", 125, "--link is not supported: there are no links between containers"],
      ["rm -lf x", 125, "--link is not supported: there are no links between containers"],
      ["start --checkpoint c x", 125, "--checkpoint is not supported: it is an experiment of Docker's"],
      ["images --tree", 125, "--tree is not supported: it is an experiment of Docker's"],
    ]);
  },
  "containers in the wrong state, and names that match none or several": async (fixture) => {
    const up = await fixture.background("up");
    const done = await fixture.background("done", ["true"]);
    await fixture.tsd("wait", "done");
    const prefix = await sharedPrefix(fixture);
    const stopped = `container ${done} is not running`;
    const removal = "container is running: stop the container before removing or force remove";
    const verbs = ["start", "stop", "kill", "wait", "rm", "logs", "start -a"];
    const noTty = "the input device is not a TTY";
    const several = "you cannot start and attach multiple containers at once";
    await fixture.background("tty", ["sleep", "1000"], ["-t"]);
    await plainFailures(fixture, [
      ["RUN -it IMAGE", 1, noTty],
      ["exec -it up sh", 1, noTty],
      ["attach tty", 1, noTty],
      ["attach done", 1, "You cannot attach to a stopped container, start it first"],
      ["start -a up done", 1, several],
      ["RUN -d -a stdout IMAGE", 1, "conflicting options: cannot specify both --attach and --detach"],
      [
        "logs --since whenever up",
        1,
        'invalid value for "since": failed to parse value as time or duration: "whenever"',
      ],
      ["start -i up done", 1, several],
    ]);
    const before = (verb: string, name: string) => verb === "kill" ? `cannot kill container: ${name}: ` : "";
    const noName = "a/b:c";
    const keys = (text: string) => `Invalid detach keys (${text}) provided`;
    await failures(fixture, [
      ["RUN -t --detach-keys foo IMAGE", 125, keys("foo")],
      ["exec -t --detach-keys ctrl-1 up true", 1, keys("ctrl-1")],
      ["attach --detach-keys a,,b up", 1, keys("a,,b")],
      ["attach absent", 1, "No such container: absent"],
    ]);
    await failures(fixture, [
      ...verbs.map((verb): Row => [`${verb} absent`, 1, `${before(verb, "absent")}No such container: absent`]),
      ...verbs.map((verb): Row => [
        `${verb} ${prefix}`,
        1,
        `${before(verb, prefix)}Multiple IDs found with provided prefix: ${prefix}`,
      ]),
      ["exec absent id", 1, "No such container: absent"],
      // An invalid container name is reported as one that does not exist.
      ...[...verbs, "pause", "unpause", "restart", "top", "diff", "export", "port", "stats", "update -m 64m"].map((
        verb,
      ): Row => [`${verb} ${noName}`, 1, `${before(verb, noName)}No such container: ${noName}`]),
      [`exec ${noName} id`, 1, `No such container: ${noName}`],
      [`rename ${noName} x`, 1, `No such container: ${noName}`],
      ["kill done", 1, `cannot kill container: done: ${stopped}`],
      ["kill -s NONSENSE up", 1, "cannot kill container: up: invalid signal: NONSENSE"],
      ["stop -s 99 up", 1, "cannot stop container: up: the linux daemon does not support signal 99"],
      ["rm up", 1, `cannot remove container "up": ${removal}`],
      ["exec done id", 1, stopped],
      ["exec -d up nope", 1, /OCI runtime exec failed: .+executable file not found in \$PATH: unknown/],
      ["RUN --name up IMAGE", 125, nameInUse("up", up)],
      ["create --name up IMAGE", 1, nameInUse("up", up)],
    ]);
    await usageErrors(fixture, [["exec -e =x up id", 125, /invalid argument "=x" for "-e, --env" flag: .+/]]);
    expectResult(await fixture.tsd("exec", "up", "echo", "fine"), { stdout: "fine\n" });
    await fixture.remove(...await fixture.containers());
  },
  "of ten concurrent creations with one name, one succeeds": async (fixture) => {
    const create = () => fixture.tsd("create", "--network", "none", "--name", "only", fixture.image, "true");
    const results = await Promise.all(Array.from({ length: 10 }, create));
    const winners = results.filter(({ code }) => code === 0);
    assert.equal(winners.length, 1);
    const id = winners[0]!.stdout.trim();
    assert.deepEqual(await fixture.containers(), [id]);
    const refused = results.filter(({ code }) => code !== 0);
    for (const result of refused) expectResult(result, { code: 1, stderr: `tsd: ${nameInUse("only", id)}\n` });
    await fixture.remove("only");
  },
});

function nameInUse(name: string, id: string): string {
  return `Conflict. The container name "/${name}" is already in use by container "${id}". ` +
    "You have to remove (or rename) that container to be able to reuse that name.";
}

/** Creates containers until two IDs begin with the same digit, and returns that digit. */
async function sharedPrefix(fixture: Fixture): Promise<string> {
  for (let count = 0;; count++) {
    const digits = (await fixture.containers()).map((id) => id.slice(0, 1));
    const shared = digits.find((digit, at) => digits.indexOf(digit) !== at);
    if (shared !== undefined) return shared;
    const { status } = await fixture.engine.api.post(`/containers/create?name=filler${count}`, {
      Image: fixture.image,
    });
    assert.equal(status, 201);
  }
}
