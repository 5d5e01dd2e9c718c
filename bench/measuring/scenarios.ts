/** What is measured: the same commands for every contender. */
import type { Command, Contender } from "../contenders/contender.ts";
import type { Aim } from "./aims.ts";
import type { Turn } from "./rounds.ts";

/** References of the images in the loopback registry. */
export interface Images {
  readonly busybox: string;
  /** Six layers, 403 MB of files, 207 MB compressed. */
  readonly big: string;
}

export interface Scenario {
  readonly name: string;
  /** Long ones get fewer rounds. */
  readonly isLong?: boolean;
  /** Done once for each contender, before and after all rounds. */
  readonly setUp?: (contender: Contender, images: Images) => readonly Command[];
  readonly tearDown?: (contender: Contender, images: Images) => readonly Command[];
  readonly turn: (contender: Contender, images: Images) => Omit<Turn, "contender">;
  /** Rows that a bare Deno program stands beside. */
  readonly helloRows?: readonly string[];
  readonly aims: readonly Aim[];
}

/** The bare Deno program's name in the table. */
export const HELLO = "deno hello";

const NETWORK = ["--network", "host"];
const FOREVER = ["sleep", "1000000"];
const RUN = "run --rm --network host busybox true";
const PULL = "pull of 6 layers, 207 MB";
/** What was written is on disk before the next one begins, so that nobody pays for the one before. */
const SYNC: Command = { program: "sync", args: [], env: { PATH: "/usr/bin:/bin" } };

const tsdIn = (row: string) => ({ row, contender: "tsd" });
const toDocker = (row: string, atMost: number): Aim => ({
  of: tsdIn(row),
  against: { row, contender: "docker" },
  atMost,
});
const toHello = (row: string, atMost: number): Aim => ({ of: tsdIn(row), against: { row, contender: HELLO }, atMost });

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "version",
    turn: (contender) => ({
      timed: [
        { row: "--version", command: contender.command("--version") },
        { row: "version", command: contender.command("version") },
      ],
    }),
    helloRows: ["--version", "version"],
    aims: [toHello("--version", 1.5), toHello("version", 1.5)],
  },
  {
    name: "run",
    turn: (contender, { busybox }) => ({
      timed: [{ row: RUN, command: contender.command("run", "--rm", ...NETWORK, busybox, "true") }],
    }),
    aims: [toDocker(RUN, 0.6)],
  },
  {
    name: "exec",
    setUp: (contender, { busybox }) => [
      contender.command("run", "--detach", "--name", "bench-exec", ...NETWORK, busybox, ...FOREVER),
    ],
    turn: (contender) => ({ timed: [{ row: "exec true", command: contender.command("exec", "bench-exec", "true") }] }),
    tearDown: (contender) => [contender.command("rm", "bench-exec")],
    aims: [toDocker("exec true", 0.7)],
  },
  {
    name: "detached",
    turn: (contender, { busybox }) => {
      const args = ["--detach", "--name", "bench-detached", ...NETWORK, busybox, ...FOREVER];
      return {
        timed: [
          { row: "run -d", command: contender.command("run", ...args) },
          { row: "rm -f", command: contender.command("rm", "bench-detached") },
        ],
      };
    },
    aims: [],
  },
  {
    name: "pull",
    isLong: true,
    turn: (contender, { big }) => ({
      before: [SYNC],
      timed: [{ row: PULL, command: contender.command("pull", big) }],
      after: [contender.command("rmi", big)],
    }),
    aims: [],
  },
];
