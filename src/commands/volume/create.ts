import type { VolumeCreateRequest } from "../../api_types/mod.ts";
import { defineCommand } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { splitPair } from "../opts/flag_values.ts";
import { checkLabel } from "../opts/label.ts";
import { CLUSTER_FLAGS, refusedFlags } from "../container/refused_flags.ts";

/** `tsd volume create`. */
export const volumeCreate = defineCommand({
  usage: "[OPTIONS] [VOLUME]",
  args: { min: 0, max: 1 },
  flags: {
    ...refusedFlags(CLUSTER_FLAGS),
    driver: { type: "string", short: "d", default: "local", help: "Specify volume driver name" },
    label: { type: "list", check: checkLabel, help: "Set metadata for a volume" },
    opt: {
      type: "list",
      short: "o",
      help: "Set driver specific options: type=TYPE, device=SOURCE, o=OPTION[,OPTION...]",
    },
  },
  examples: [
    { line: "volume create --label owner=me data", note: "A volume that containers can mount: -v data:/data" },
    { line: "volume create -o type=tmpfs -o device=tmpfs -o o=size=64m scratch", note: "In memory, while it is used" },
    { line: "volume create -o type=none -o device=/srv/data -o o=bind data", note: "A folder of the host" },
  ],
  async run({ terminal, engine }: CommandContext, { args: [name], flags: { driver, label, opt } }) {
    const body: VolumeCreateRequest = {
      Driver: driver,
      ...(label.length > 0 && { Labels: Object.fromEntries(label.map(splitPair)) }),
    };
    if (opt.length > 0) body.DriverOpts = Object.fromEntries(opt.map(splitPair));
    if (name !== undefined) body.Name = name;
    await terminal.out(`${(await engine.volumes.create(body)).Name}\n`);
    return 0;
  },
});
