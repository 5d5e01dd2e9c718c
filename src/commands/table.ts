import type { Command, CommandGroup, CommandRow, FlagSpecs } from "../cli/mod.ts";
import type { CommandContext } from "./context.ts";

type Row = CommandRow<CommandContext>;

const row = (
  names: string,
  summary: string,
  load: () => Promise<Command<CommandContext>>,
  served?: Row["served"],
): Row => ({ names: names.split(", "), summary, load, ...(served && { served }) });

/** Flags before the command. */
export const GLOBAL_FLAGS: FlagSpecs = {
  host: { type: "string", short: "H", help: "Engine to talk to: unix:///path/to.sock or tcp://127.0.0.1:PORT" },
};

/** The command groups. */
export const GROUPS: readonly CommandGroup[] = [
  { name: "container", summary: "Manage containers" },
  { name: "image", summary: "Manage images" },
  { name: "network", summary: "Manage networks" },
  { name: "plugin", summary: "Manage plugins" },
  { name: "system", summary: "Manage the engine" },
  { name: "volume", summary: "Manage volumes" },
];

/** The command table: the names, the summary and the module of every command. */
export const COMMANDS: readonly Row[] = [
  row(
    "attach, container attach",
    "Attach local standard input, output, and error streams to a running container",
    async () => (await import("./container/attach.ts")).attach,
  ),
  {
    ...row("__complete", "Complete a command line", async () => (await import("./completion/complete.ts")).complete),
    hidden: true,
  },
  {
    ...row("__resume exec", "Go on with a command", async () => (await import("./container/resume.ts")).resumeExec),
    hidden: true,
  },
  {
    ...row("__resume run", "Go on with a container", async () => (await import("./container/resume.ts")).resumeRun),
    hidden: true,
  },
  row(
    "completion",
    "Write the completion script of a shell: bash, zsh or fish",
    async () => (await import("./completion/completion.ts")).completion,
  ),
  row(
    "cp, container cp",
    "Copy files/folders between a container and the local filesystem",
    async () => (await import("./container/cp.ts")).cp,
  ),
  row(
    "create, container create",
    "Create a new container",
    async () => (await import("./container/create.ts")).create,
    "once",
  ),
  row("daemon", "Run the engine in the foreground", async () => (await import("./daemon/daemon.ts")).daemon),
  row(
    "daemon install",
    "Make the engine a service of systemd",
    async () => (await import("./daemon/install.ts")).daemonInstall,
  ),
  row(
    "daemon reload",
    "Make the engine execute itself anew, in place",
    async () => (await import("./daemon/control.ts")).daemonReload,
  ),
  row(
    "daemon status",
    "Say whether the engine runs, and what it does",
    async () => (await import("./daemon/control.ts")).daemonStatus,
  ),
  row("daemon stop", "End the engine; containers run on", async () => (await import("./daemon/control.ts")).daemonStop),
  row(
    "daemon uninstall",
    "Take the service away; containers run on",
    async () => (await import("./daemon/install.ts")).daemonUninstall,
  ),
  row(
    "diff, container diff",
    "Inspect changes to files or directories on a container's filesystem",
    async () => (await import("./container/diff.ts")).diff,
    "idempotent",
  ),
  row(
    "events, system events",
    "Get real time events from the engine",
    async () => (await import("./system/events.ts")).events,
  ),
  row(
    "exec, container exec",
    "Execute a command in a running container",
    async () => (await import("./container/exec.ts")).exec,
    "once",
  ),
  row(
    "export, container export",
    "Export a container's filesystem as a tar archive",
    async () => (await import("./container/export.ts")).exportRoot,
  ),
  row(
    "history, image history",
    "Show the history of an image",
    async () => (await import("./image/history.ts")).history,
    "idempotent",
  ),
  row(
    "images, image ls, image list",
    "List images",
    async () => (await import("./image/list.ts")).images,
    "idempotent",
  ),
  row(
    "info, system info",
    "Display system-wide information",
    async () => (await import("./system/info.ts")).info,
    "idempotent",
  ),
  row(
    "inspect",
    "Return low-level information on containers, images and volumes",
    async () => (await import("./system/inspect.ts")).inspect,
    "idempotent",
  ),
  row(
    "container clone",
    "Create a container with the settings of another one",
    async () => (await import("./container/clone.ts")).containerClone,
  ),
  row(
    "container inspect",
    "Display detailed information on one or more containers",
    async () => (await import("./system/inspect.ts")).containerInspect,
    "idempotent",
  ),
  row(
    "image inspect",
    "Display detailed information on one or more images",
    async () => (await import("./system/inspect.ts")).imageInspect,
    "idempotent",
  ),
  row(
    "kill, container kill",
    "Kill one or more running containers",
    async () => (await import("./container/kill.ts")).kill,
    "once",
  ),
  row(
    "load, image load",
    "Load an image from a tar archive or STDIN",
    async () => (await import("./image/load.ts")).load,
  ),
  row("login", "Authenticate to a registry", async () => (await import("./system/login.ts")).login),
  row("logout", "Log out from a registry", async () => (await import("./system/logout.ts")).logout),
  row("logs, container logs", "Fetch the logs of a container", async () => (await import("./container/logs.ts")).logs),
  row(
    "pause, container pause",
    "Pause all processes within one or more containers",
    async () => (await import("./container/pause.ts")).pause,
    "once",
  ),
  row("prune, system prune", "Remove what nobody uses", async () => (await import("./system/prune.ts")).prune),
  row(
    "container prune",
    "Remove all stopped containers",
    async () => (await import("./system/prune.ts")).containerPrune,
  ),
  row("image prune", "Remove unused images", async () => (await import("./system/prune.ts")).imagePrune),
  row(
    "plugin disable",
    "Call a plugin no more",
    async () => (await import("./plugin/enable.ts")).pluginDisable,
  ),
  row(
    "plugin enable",
    "Use a plugin, and grant it what it asks for",
    async () => (await import("./plugin/enable.ts")).pluginEnable,
  ),
  row(
    "plugin inspect",
    "Display detailed information on one or more plugins",
    async () => (await import("./system/inspect.ts")).pluginInspect,
    "idempotent",
  ),
  row(
    "plugin install",
    "Install a plugin from a file",
    async () => (await import("./plugin/install.ts")).pluginInstall,
  ),
  row("plugin logs", "Fetch the log of a plugin", async () => (await import("./plugin/logs.ts")).pluginLog),
  row(
    "plugin ls, plugin list",
    "List plugins",
    async () => (await import("./plugin/list.ts")).pluginList,
    "idempotent",
  ),
  row(
    "plugin new",
    "Write a new plugin, and the types for it",
    async () => (await import("./plugin/new.ts")).pluginNew,
  ),
  row(
    "plugin rm, plugin remove",
    "Remove one or more plugins",
    async () => (await import("./plugin/remove.ts")).pluginRemove,
  ),
  row(
    "plugin test",
    "Try a plugin on the recorded life of a container",
    async () => (await import("./plugin/try.ts")).pluginTest,
  ),
  row(
    "port, container port",
    "List port mappings or a specific mapping for the container",
    async () => (await import("./container/port.ts")).port,
    "idempotent",
  ),
  row(
    "ps, container ls, container list, container ps",
    "List containers",
    async () => (await import("./container/list.ts")).ps,
    "idempotent",
  ),
  row(
    "pull, image pull",
    "Download an image from a registry",
    async () => (await import("./image/pull.ts")).pull,
    "idempotent",
  ),
  row(
    "rename, container rename",
    "Rename a container",
    async () => (await import("./container/rename.ts")).rename,
    "once",
  ),
  row(
    "restart, container restart",
    "Restart one or more containers",
    async () => (await import("./container/restart.ts")).restart,
    "once",
  ),
  row(
    "rm, container rm, container remove",
    "Remove one or more containers",
    async () => (await import("./container/remove.ts")).rm,
    "once",
  ),
  row(
    "rmi, image rm, image remove",
    "Remove one or more images",
    async () => (await import("./image/remove.ts")).rmi,
    "once",
  ),
  row(
    "run, container run",
    "Create and run a new container from an image",
    async () => (await import("./container/run.ts")).run,
    "once",
  ),
  row(
    "save, image save",
    "Save one or more images to a tar archive (streamed to STDOUT by default)",
    async () => (await import("./image/save.ts")).save,
  ),
  row(
    "start, container start",
    "Start one or more stopped containers",
    async () => (await import("./container/start.ts")).start,
    "once",
  ),
  row(
    "stats, container stats",
    "Display a live stream of container resource usage statistics",
    async () => (await import("./container/stats.ts")).stats,
  ),
  row(
    "stop, container stop",
    "Stop one or more running containers",
    async () => (await import("./container/stop.ts")).stop,
    "idempotent",
  ),
  row(
    "system check",
    "Compare what lies on the disk of images with their digests",
    async () => (await import("./system/check.ts")).systemCheck,
  ),
  row("system df", "Show disk usage", async () => (await import("./system/df.ts")).df, "idempotent"),
  row(
    "tag, image tag",
    "Create a tag that refers to an image",
    async () => (await import("./image/tag.ts")).tag,
    "once",
  ),
  row(
    "top, container top",
    "Display the running processes of a container",
    async () => (await import("./container/top.ts")).top,
    "idempotent",
  ),
  row(
    "unpause, container unpause",
    "Unpause all processes within one or more containers",
    async () => (await import("./container/pause.ts")).unpause,
    "once",
  ),
  row(
    "update, container update",
    "Update configuration of one or more containers",
    async () => (await import("./container/update.ts")).update,
    "once",
  ),
  row(
    "network connect",
    "Connect a container to a network",
    async () => (await import("./network/connect.ts")).networkConnect,
    "once",
  ),
  row("network create", "Create a network", async () => (await import("./network/create.ts")).networkCreate, "once"),
  row(
    "network disconnect",
    "Disconnect a container from a network",
    async () => (await import("./network/connect.ts")).networkDisconnect,
    "once",
  ),
  row(
    "network inspect",
    "Display detailed information on one or more networks",
    async () => (await import("./system/inspect.ts")).networkInspect,
    "idempotent",
  ),
  row(
    "network ls, network list",
    "List networks",
    async () => (await import("./network/list.ts")).networkList,
    "idempotent",
  ),
  row("network prune", "Remove all unused networks", async () => (await import("./system/prune.ts")).networkPrune),
  row(
    "network reload",
    "Load the packet filter's rules of all networks anew",
    async () => (await import("./network/reload.ts")).networkReload,
  ),
  row(
    "network rm, network remove",
    "Remove one or more networks",
    async () => (await import("./network/remove.ts")).networkRemove,
    "once",
  ),
  row(
    "volume clone",
    "Create a volume with the files of another one",
    async () => (await import("./volume/clone.ts")).volumeClone,
  ),
  row("volume create", "Create a volume", async () => (await import("./volume/create.ts")).volumeCreate, "once"),
  row(
    "volume export",
    "Export the files of a volume as a tar archive",
    async () => (await import("./volume/export.ts")).volumeExport,
  ),
  row(
    "volume import",
    "Import files from a tar archive into a volume",
    async () => (await import("./volume/import.ts")).volumeImport,
  ),
  row(
    "volume inspect",
    "Display detailed information on one or more volumes",
    async () => (await import("./system/inspect.ts")).volumeInspect,
    "idempotent",
  ),
  row(
    "volume ls, volume list",
    "List volumes",
    async () => (await import("./volume/list.ts")).volumeList,
    "idempotent",
  ),
  row("volume prune", "Remove unused volumes", async () => (await import("./system/prune.ts")).volumePrune),
  row("volume rename", "Rename a volume", async () => (await import("./volume/rename.ts")).volumeRename, "once"),
  row(
    "volume rm, volume remove",
    "Remove one or more volumes",
    async () => (await import("./volume/remove.ts")).volumeRemove,
    "once",
  ),
  row(
    "version",
    "Show the version information",
    async () => (await import("./system/version.ts")).version,
    "idempotent",
  ),
  row(
    "wait, container wait",
    "Block until one or more containers stop, then print their exit codes",
    async () => (await import("./container/wait.ts")).wait,
    "idempotent",
  ),
];
