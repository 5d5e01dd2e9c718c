/** The scenarios of `bench run`: the same commands for each peer. */
import type { Command, Peer } from "../peers/peer.ts";
import { type Aim, toDocker } from "./aims.ts";
import type { TimedCommands } from "./timed_commands.ts";

/** References of images in the loopback registry. */
export interface Images {
  readonly busybox: string;
}

/** Sizes that the command line can change. */
export interface Size {
  /** Number of containers of `crowd`. */
  readonly crowd: number;
}

export interface Scenario {
  readonly name: string;
  /** Whether it gets fewer rounds (`--long-rounds`). */
  readonly isLong?: boolean;
  /** Commands run once for each peer, before and after all rounds. */
  readonly setUp?: (peer: Peer, images: Images) => readonly Command[];
  readonly tearDown?: (peer: Peer, images: Images) => readonly Command[];
  readonly turn: (peer: Peer, images: Images, size: Size) => TimedCommands;
  /** Rows that are also measured for a minimal Deno program. */
  readonly helloRows?: readonly string[];
  readonly aims: (size: Size) => readonly Aim[];
}

/** Name of the minimal Deno program in the table. */
export const HELLO = "deno hello";

const NETWORK = ["--network", "host"];
const FOREVER = ["sleep", "1000000"];
const RUN = "run --rm --network host busybox true";
const SEPARATE_PROCESS = "version, in a separate process";
const CLIENTS = 8;
const crowdRow = (size: number): string => `${size} × run -d by ${CLIENTS} clients at once`;

/** Exits on SIGTERM at once, which the first process of a PID namespace ignores without a handler. */
const ENDS_AT_ONCE = ["sh", "-c", 'trap "exit 0" TERM; sleep 1000000 & wait'];

const toHello = (row: string, limit: number): Aim => ({
  ...{ of: { row, peer: "tsd" }, against: { row, peer: HELLO } },
  bound: "at most",
  limit,
});

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "version",
    turn: (peer) => ({
      timed: [
        { row: "--version", work: peer.command("--version") },
        { row: "version", work: peer.command("version") },
        { row: SEPARATE_PROCESS, work: (peer.selfProcess ?? peer.command)("version") },
      ],
    }),
    helloRows: ["--version", "version", SEPARATE_PROCESS],
    aims: () => ["--version", "version", SEPARATE_PROCESS].map((row) => toHello(row, 1.5)),
  },
  {
    name: "run",
    turn: (peer, { busybox }) => ({
      timed: [{ row: RUN, work: peer.command("run", "--rm", ...NETWORK, busybox, "true") }],
    }),
    aims: () => [toDocker(RUN, 0.5)],
  },
  {
    name: "exec",
    setUp: (peer, { busybox }) => [
      peer.command("run", "--detach", "--name", "bench-exec", ...NETWORK, busybox, ...FOREVER),
    ],
    turn: (peer) => ({ timed: [{ row: "exec true", work: peer.command("exec", "bench-exec", "true") }] }),
    tearDown: (peer) => [peer.command("rm", "bench-exec")],
    aims: () => [toDocker("exec true", 0.6)],
  },
  {
    name: "detached",
    turn: (peer, { busybox }) => {
      const args = ["--detach", "--name", "bench-detached", ...NETWORK, busybox, ...FOREVER];
      return {
        timed: [
          { row: "run -d", work: peer.command("run", ...args) },
          { row: "rm -f", work: peer.command("rm", "bench-detached") },
        ],
      };
    },
    aims: () => [toDocker("run -d", 0.5)],
  },
  {
    name: "stop",
    turn: (peer, { busybox }) => ({
      before: [
        peer.command("run", "--detach", "--name", "bench-stop", ...NETWORK, busybox, ...ENDS_AT_ONCE),
        // The container's process has set its trap when this returns.
        peer.command("exec", "bench-stop", "true"),
      ],
      timed: [{ row: "stop", work: peer.command("stop", "bench-stop") }],
      after: [peer.command("rm", "bench-stop")],
    }),
    aims: () => [toDocker("stop", 0.5)],
  },
  {
    name: "crowd",
    isLong: true,
    turn: (peer, { busybox }, { crowd }) => {
      const names = Array.from({ length: crowd }, (_, index) => `bench-crowd-${index}`);
      const run = (name: string) => peer.command("run", "--detach", "--name", name, ...NETWORK, busybox, ...FOREVER);
      return {
        timed: [{ row: crowdRow(crowd), work: { commands: names.map(run), atOnce: CLIENTS } }],
        after: [peer.command("rm", ...names)],
      };
    },
    aims: ({ crowd }) => [toDocker(crowdRow(crowd), 0.5)],
  },
];
