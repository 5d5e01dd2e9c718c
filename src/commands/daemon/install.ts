import { defineCommand } from "../../cli/mod.ts";
import { TsdError } from "../../errors.ts";
import type { CommandContext } from "../context.ts";
import { SERVICE_HOST, type ServiceHost } from "./service_host.ts";
import { SERVICE_NAME, serviceUnit, UNIT_PATH } from "./service_unit.ts";

/** `tsd daemon install`. */
export const daemonInstall = defineCommand({
  usage: "",
  args: { min: 0, max: 0 },
  flags: {},
  examples: [{ line: "daemon install", note: "The engine starts with the machine" }],
  async run({ terminal }: CommandContext) {
    await terminal.out(await installService(SERVICE_HOST));
    return 0;
  },
});

/** `tsd daemon uninstall`. */
export const daemonUninstall = defineCommand({
  usage: "",
  args: { min: 0, max: 0 },
  flags: {},
  examples: [{ line: "daemon uninstall", note: "The engine starts on demand again; containers run on" }],
  async run({ terminal }: CommandContext) {
    await terminal.out(await uninstallService(SERVICE_HOST));
    return 0;
  },
});

/** Installs the engine as a systemd service, or updates the installed one. Resolves to the message to print. @throws {TsdError} */
export async function installService(host: ServiceHost): Promise<string> {
  await requireSystemd(host, "install");
  const [program] = host.command;
  if (await host.isExternal(program)) {
    throw new TsdError(
      "conflict",
      `Cannot install the service: ${program} can be changed by others than root; copy it to /usr/local/bin as root first`,
    );
  }
  await host.writeUnit(serviceUnit(host.command));
  await systemctl(host, "daemon-reload");
  await systemctl(host, "enable", SERVICE_NAME);
  // A running engine re-executes itself and so runs the new version.
  await systemctl(host, "reload-or-restart", SERVICE_NAME);
  return `Installed ${UNIT_PATH}: the engine runs, and starts with the machine\n`;
}

/** Uninstalls the service. Resolves to the message to print. @throws {TsdError} */
export async function uninstallService(host: ServiceHost): Promise<string> {
  await requireSystemd(host, "uninstall");
  const { code } = await host.systemctl("cat", SERVICE_NAME);
  if (code === 0) await systemctl(host, "disable", "--now", SERVICE_NAME);
  if (!(await host.removeUnit())) return `There is no ${UNIT_PATH}: nothing to uninstall\n`;
  await systemctl(host, "daemon-reload");
  return `Removed ${UNIT_PATH}; containers run on, and the next command that needs an engine starts one\n`;
}

async function requireSystemd(host: ServiceHost, verb: string): Promise<void> {
  if (!(await host.hasSystemd())) {
    throw new TsdError(
      "not_implemented",
      `Cannot ${verb} the service: this machine isn't run by systemd (there is no /run/systemd/system); ` +
        'the engine starts on demand, or by "tsd daemon" from an init system of another kind',
    );
  }
  if (host.uid !== 0) throw new TsdError("permission_denied", `Cannot ${verb} the service: only root can; use sudo`);
}

async function systemctl(host: ServiceHost, ...args: string[]): Promise<void> {
  const { code, stderr } = await host.systemctl(...args);
  if (code === 0) return;
  const why = stderr.trim().replaceAll("\n", "; ") || `it ended with exit code ${code}`;
  throw new TsdError("runtime_failed", `systemctl ${args.join(" ")} failed: ${why}`);
}
