/**
 * @module
 * Which namespaces are a container's own, and which it shares with the host or another container: Docker's modes, and
 * its texts for invalid ones.
 */
import type { HostConfig } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import type { HostInfo, NamespaceMode, SpecSettings } from "../../runtime/spec/mod.ts";
import type { SharedNamespaces } from "./shared_namespaces.ts";
import { namedContainer } from "../model/container_mode.ts";

type Modes = Pick<SpecSettings, "ipc" | "pid" | "uts" | "cgroupns">;

/** Placeholder for the path of another container's namespace before the start. */
const NOT_YET_KNOWN = "";

/** Returns the namespaces of a container. @throws {TsdError} invalid_argument */
export function namespaceModes(host: HostConfig, info: HostInfo, joined: SharedNamespaces): Modes {
  if (!["", "host"].includes(host.UsernsMode ?? "")) throw invalid("USER", host.UsernsMode);
  return {
    ipc: ipcMode(host.IpcMode ?? "", joined),
    pid: pidMode(host.PidMode ?? "", joined),
    uts: utsMode(host.UTSMode ?? ""),
    cgroupns: cgroupMode(cgroupnsMode(host, info)),
  };
}

/** Returns the mode of the cgroup namespace, by default Docker's. */
export function cgroupnsMode({ CgroupnsMode: mode }: HostConfig, { cgroupVersion }: HostInfo): string {
  return mode || (cgroupVersion === 1 ? "host" : "private");
}

function ipcMode(mode: string, { ipc = NOT_YET_KNOWN }: SharedNamespaces): Modes["ipc"] {
  if (mode === "none" || mode === "host") return mode;
  if (["", "private", "shareable"].includes(mode)) return "private";
  if (namedContainer(mode) === undefined) throw invalid("IPC", mode);
  return { path: ipc };
}

function pidMode(mode: string, { pid = NOT_YET_KNOWN }: SharedNamespaces): NamespaceMode {
  if (mode === "host") return mode;
  if (mode === "") return "private";
  if (namedContainer(mode) === undefined) throw invalid("PID", mode);
  return { path: pid };
}

function utsMode(mode: string): NamespaceMode {
  if (mode === "host") return mode;
  if (mode === "") return "private";
  throw invalid("UTS", mode);
}

function cgroupMode(mode: string): NamespaceMode {
  if (mode === "host" || mode === "private") return mode;
  throw new TsdError("invalid_argument", `invalid cgroup namespace mode: ${mode}`);
}

const invalid = (type: string, mode: string | undefined) =>
  new TsdError("invalid_argument", `invalid ${type} mode: ${mode}`);
