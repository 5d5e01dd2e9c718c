/**
 * @module
 * `--security-opt` in Docker's forms: `no-new-privileges[=true|false]`, `seccomp=unconfined|<profile as JSON>`,
 * `systempaths=unconfined`, `apparmor=unconfined|<profile>`, `writable-cgroups[=true|false]`, `label=disable`.
 */
import { TsdError } from "../../errors.ts";
import { type HostInfo, parseSeccompProfile, type SpecSettings } from "../../runtime/spec/mod.ts";

type Security = Pick<
  SpecSettings,
  "seccomp" | "noNewPrivileges" | "maskedPaths" | "readonlyPaths" | "writableCgroups" | "apparmorProfile"
>;
type Facts = Pick<HostInfo, "appArmor">;

/** Parses security options. @throws {TsdError} invalid_argument, not_implemented */
export function parseSecurityOptions(options: readonly string[], privileged: boolean, info: Facts): Security {
  let parsed: Security = { seccomp: privileged ? "unconfined" : "default" };
  for (const option of options) parsed = { ...parsed, ...parseOption(option, info) };
  return parsed;
}

function parseOption(option: string, { appArmor }: Facts): Partial<Security> {
  const [name, value] = split(option);
  switch (name) {
    case "no-new-privileges":
      return { noNewPrivileges: flag(option, value) };
    case "writable-cgroups":
      return { writableCgroups: flag(option, value) };
    case "systempaths":
      if (value === "unconfined") return { maskedPaths: [], readonlyPaths: [] };
      break;
    case "seccomp":
      if (value === "unconfined") return { seccomp: "unconfined" };
      if (value === "builtin") return { seccomp: "default" };
      return { seccomp: parseSeccompProfile(value) };
    case "apparmor":
      if (appArmor) return { apparmorProfile: value };
      if (value === "unconfined") return {};
      throw new TsdError(
        "not_implemented",
        `Cannot create the container: AppArmor is not enabled in this machine's kernel, so there is no profile ${value}`,
      );
    case "label":
      if (value === "disable") return {};
      throw new TsdError("not_implemented", "Cannot create the container: SELinux labels are not supported");
  }
  throw new TsdError("invalid_argument", `invalid --security-opt 2: ${JSON.stringify(option)}`);
}

/** Splits `name=value`, or the older form `name:value`. */
function split(option: string): [string, string] {
  const at = option.includes("=") ? option.indexOf("=") : option.indexOf(":");
  return at < 0 ? [option, ""] : [option.slice(0, at), option.slice(at + 1)];
}

function flag(option: string, value: string): boolean {
  if (value === "" || value === "true" || value === "1") return true;
  if (value === "false" || value === "0") return false;
  throw new TsdError("invalid_argument", `invalid --security-opt 2: ${JSON.stringify(option)}`);
}
