import { type ProgramResult, runProgram, subcommand, userId } from "../../cli/mod.ts";
import { UNIT_PATH } from "./service_unit.ts";

/** What installing a service touches of the machine. */
export interface ServiceHost {
  /** The user's id. */
  readonly uid: number | null;
  /** Runs tsd. */
  readonly command: readonly string[];
  /** Whether systemd is this machine's process 1 (sd_booted(3)). */
  hasSystemd(): Promise<boolean>;
  /** Whether somebody else than root can change a file. */
  isExternal(path: string): Promise<boolean>;
  /** Writes the unit, whole or not at all. */
  writeUnit(text: string): Promise<void>;
  /** False: there was none. */
  removeUnit(): Promise<boolean>;
  systemctl(...args: string[]): Promise<ProgramResult>;
}

/** This machine. */
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
