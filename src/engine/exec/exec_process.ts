/**
 * @module
 * What the OCI runtime is told of an exec.
 */
import {
  execProcess,
  type HostInfo,
  ociJson,
  overrideEnv,
  resolveUser,
  rootAccountFiles,
} from "../../runtime/spec/mod.ts";
import { specSettings } from "../containers/container_spec.ts";
import type { Exec } from "./exec.ts";

/**
 * The contents of process.json: the container's settings, and what the exec has of its own. Whether there is a terminal (and
 * so a TERM) is the exec's matter alone.
 * @param root the container's root file system
 * @throws {TsdError} user_unknown
 */
export function execProcessJson(
  { container, request, size }: Pick<Exec, "container" | "request" | "size">,
  root: string,
  info: HostInfo,
) {
  const { config, hostConfig } = container.record;
  const tty = request.Tty ?? false;
  const settings = specSettings({ ...config, Tty: tty }, hostConfig, info);
  const { user, home } = resolveUser(
    request.User || (config.User ?? ""),
    rootAccountFiles(root),
    hostConfig.GroupAdd ?? [],
  );
  const env = overrideEnv([`HOME=${home}`], overrideEnv(settings.env, request.Env ?? []));
  const { process } = execProcess({
    ...settings,
    args: request.Cmd,
    cwd: request.WorkingDir || settings.cwd,
    env,
    user,
    // The process runs at once: a size that is set later would come too late.
    consoleSize: size,
    execPrivileged: request.Privileged ?? false,
  });
  return ociJson(process);
}
