/**
 * @module
 * Built-in plugin: one line in the engine's log for each step in the life of images and containers.
 */
import type { Log } from "../../log.ts";
import type { Plugin } from "../plugin.ts";

export function lifecycleLog(log: Log): Plugin {
  const lines = log.scope("lifecycle");
  return {
    name: "lifecycle-log",
    apiVersion: 1,
    hooks: {
      "image.pulled": ({ reference, id }) => lines.info("image pulled", { reference, id }),
      "container.started": ({ id, name, image, pid, replayed }) =>
        replayed ? undefined : lines.info("container started", { id, name, image, pid }),
      "container.exited": ({ id, name, exitCode, ranMs }) =>
        lines.info("container exited", { id, name, exitCode, ranMs }),
      "container.removed": ({ id, name }) => lines.info("container removed", { id, name }),
    },
  };
}
