/** @module `docker top`: the host's `ps`, limited to the processes of one container. */
import type { ContainerTopResponse } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import type { ContainerEvents } from "../events/container_events.ts";
import type { HostExec } from "../../runtime/host_exec.ts";
import type { ContainerCgroups } from "../stats/cgroup.ts";
import { refuseRestarting } from "../model/container.ts";
import type { ContainerTable } from "../model/container_table.ts";

const PS = "/usr/bin/ps";
const DEFAULT_ARGS = "-ef";
const PID_TITLE = "PID";

export interface ContainerTopDeps {
  readonly table: Pick<ContainerTable, "find">;
  readonly cgroups: Pick<ContainerCgroups, "pids">;
  readonly run: HostExec;
  readonly events: ContainerEvents;
}

/** Lists the processes of containers. */
export class ContainerTop {
  readonly #deps: ContainerTopDeps;

  constructor(deps: ContainerTopDeps) {
    this.#deps = deps;
  }

  /**
   * Lists a container's processes.
   * @param psArgs arguments of `ps`
   * @throws {TsdError} container_not_found, not_running, invalid_argument (refused by ps), runtime_missing
   */
  async of(nameOrId: string, psArgs = DEFAULT_ARGS): Promise<ContainerTopResponse> {
    const { table, cgroups, events } = this.#deps;
    refuseRenamedPid(psArgs);
    const container = table.find(nameOrId);
    refuseRestarting(container, container.id);
    if (!container.isRunning) throw new TsdError("not_running", `container ${container.id} is not running`);
    const pids = await cgroups.pids(container.id);
    const list = parseProcesses(await this.#ps(psArgs.split(" ").filter((word) => word !== ""), pids), new Set(pids));
    events.emit(container, "top");
    return list;
  }

  /** Runs `ps`. Some of its options exclude a list of processes; then all processes are requested. */
  async #ps(args: readonly string[], pids: readonly number[]): Promise<string> {
    const { run } = this.#deps;
    const limited = await run(PS, [...args, `-q${pids.join(",")}`]);
    if (limited.exitCode === 0) return limited.stdout;
    const all = await run(PS, args);
    if (all.exitCode === 0) return all.stdout;
    throw new TsdError("invalid_argument", `ps: ${all.stderr.trim().split("\n")[0] || `exit code ${all.exitCode}`}`);
  }
}

/** Refuses arguments that rename a column to PID, because the column of process ids is found by its title. */
function refuseRenamedPid(psArgs: string): void {
  for (const [, column, title] of psArgs.matchAll(/\s+([^\s=]*)=\s*(PID\S*)/g)) {
    if (column === "pid") continue;
    throw new TsdError("invalid_argument", `specifying "${column}=${title}" is not allowed`);
  }
}

/** Keeps the rows of the given processes, and those of their threads, which have `-` as id. */
export function parseProcesses(output: string, pids: ReadonlySet<number>): ContainerTopResponse {
  const [head = "", ...lines] = output.split("\n");
  const titles = words(head);
  const at = titles.indexOf(PID_TITLE);
  if (at < 0) throw new TsdError("invalid_argument", "Couldn't find PID field in ps output");
  const rows: string[][] = [];
  let isManaged = false;
  for (const line of lines) {
    const fields = words(line);
    if (fields.length <= at) continue;
    if (fields[at] !== "-") isManaged = pids.has(Number(fields[at]));
    if (isManaged) rows.push([...fields.slice(0, titles.length - 1), fields.slice(titles.length - 1).join(" ")]);
  }
  return { Titles: titles, Processes: rows };
}

/** Splits at ASCII whitespace only: names may contain other whitespace. */
const words = (line: string): string[] => line.split(/[ \t\r\f]+/).filter((word) => word !== "");
