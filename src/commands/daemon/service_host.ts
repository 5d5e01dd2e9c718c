import { type ProgramResult, runProgram, subcommand, userId } from "../../cli/mod.ts";
import { UNIT_PATH } from "./service_unit.ts";

/** The machine on which a service is installed. */
export interface ServiceHost {
  /** The effective user's id. */
  readonly uid: number | null;
  /** The command line that runs tsd. */
  readonly command: readonly string[];
  /** Returns whether systemd is this machine's process 1 (sd_booted(3)). */
  hasSystemd(): Promise<boolean>;
  /** Returns whether a user other than root can change a file. */
  isExternal(path: string): Promise<boolean>;
  /** Writes the unit file atomically. */
  writeUnit(text: string): Promise<void>;
  /** Removes the unit file; returns whether it existed. */
  removeUnit(): Promise<boolean>;
  systemctl(...args: string[]): Promise<ProgramResult>;
}

/** The {@link ServiceHost} for this machine. */
export const SERVICE_HOST: ServiceHost = {
  get uid() {
    return userId();
  },
  get command() {
    return subcommand();
  },
  hasSystemd: () => exists("/run/systemd/system"),
  async isExternal(path) {
    const { uid, gid, mode } = await Deno.stat(path);
    const writable = mode ?? 0;
    return uid !== 0 || (writable & 0o002) !== 0 || (gid !== 0 && (writable & 0o020) !== 0);
  },
  async writeUnit(text) {
    await Deno.writeTextFile(`${UNIT_PATH}.new`, text, { mode: 0o644 });
    await Deno.rename(`${UNIT_PATH}.new`, UNIT_PATH);
  },
  removeUnit: () => removed(UNIT_PATH),
  systemctl: (...args) => runProgram("systemctl", args),
};

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

async function removed(path: string): Promise<boolean> {
  try {
    await Deno.remove(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
