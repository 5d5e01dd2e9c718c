/**
 * @module
 * Built-in plugin: logs a line for each lifecycle event of images and containers.
 */
import type { Log } from "../../log.ts";
import type { Plugin } from "../plugin.ts";

/** Returns the plugin, which logs to the scope `lifecycle` of `log`. */
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
