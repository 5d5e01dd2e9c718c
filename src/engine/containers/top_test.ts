import { strict as assert } from "node:assert";
import { isTsdError } from "../../errors.ts";
import type { CommandResult } from "../../runtime/host_exec.ts";
import type { ContainerState } from "../model/container.ts";
import { EXITED, fakeContainer, recordedEvents, RUNNING, tableOf } from "./containers_testing.ts";
import { ContainerTop, parseProcesses } from "./top.ts";

const OUTPUT = `UID          PID    PPID  C STIME TTY          TIME CMD
root          12       1  0 00:00 ?        00:00:00 sh -c  sleep 9
root          99       1  0 00:00 ?        00:00:00 sleep 8
`;

function bench(answer: (args: readonly string[]) => CommandResult, state: ContainerState = RUNNING) {
  const { reported, events } = recordedEvents();
  const calls: string[] = [];
  const run = (path: string, args: readonly string[]) => {
    calls.push([path, ...args].join(" "));
    return Promise.resolve(answer(args));
  };
  const cgroups = { pids: () => Promise.resolve([12, 13]) };
  return { calls, reported, list: new ContainerTop({ table: tableOf(fakeContainer(state)), cgroups, run, events }) };
}

const says = (stdout: string): CommandResult => ({ exitCode: 0, stdout, stderr: "" });

Deno.test("top: ps of the container's processes, the last column whole", async () => {
  const it = bench(() => says(OUTPUT));
  assert.deepEqual(await it.list.of("web"), {
    Titles: ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"],
    Processes: [["root", "12", "1", "0", "00:00", "?", "00:00:00", "sh -c sleep 9"]],
  });
  assert.deepEqual([it.calls, it.reported], [["/usr/bin/ps -ef -q12,13"], ["top"]]);
});

Deno.test("top: options that go together with no list of processes are asked without", async () => {
  const it = bench((args) => args.at(-1)!.startsWith("-q") ? { exitCode: 1, stdout: "", stderr: "x" } : says(OUTPUT));
  assert.equal((await it.list.of("web", "f  x")).Processes.length, 1);
  assert.deepEqual(it.calls, ["/usr/bin/ps f x -q12,13", "/usr/bin/ps f x"]);
});

Deno.test("top: what ps refuses is said; a stopped container has no processes", async () => {
  const refusing = bench(() => ({ exitCode: 1, stdout: "", stderr: "error: unsupported option\nUsage: …\n" }));
  await assert.rejects(refusing.list.of("web", "--nope"), /^TsdError: ps: error: unsupported option$/);
  await assert.rejects(bench(() => says(OUTPUT), EXITED).list.of("web"), (thrown) => isTsdError(thrown, "not_running"));
  assert.deepEqual(refusing.reported, []);
});

Deno.test("top: only process ids may be called PID", async () => {
  const it = bench(() => says(OUTPUT));
  await assert.rejects(it.list.of("web", "-o ppid=PID,cmd"), /specifying "ppid=PID,cmd" is not allowed/);
  await it.list.of("web", "-o pid=PID");
});

Deno.test("top: threads stay with their process; without PID there is no telling", () => {
  const output = "PID LWP CMD\n12 - sh\n- 12 -\n99 - sleep\n- 99 -\n";
  assert.deepEqual(parseProcesses(output, new Set([12])).Processes, [["12", "-", "sh"], ["-", "12", "-"]]);
  assert.throws(() => parseProcesses("CMD\nsh\n", new Set([12])), /Couldn't find PID field in ps output/);
});
