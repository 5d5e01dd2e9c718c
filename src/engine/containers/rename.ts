import { prefixed, TsdError } from "../../errors.ts";
import type { ContainerEvents } from "../events/container_events.ts";
import type { ContainerTable } from "../model/container_table.ts";
import { parseContainerName } from "../model/names.ts";

/** `docker rename`: renames a container in any state, atomically. */
export class ContainerRenamer {
  readonly #table: ContainerTable;
  readonly #events: ContainerEvents;

  constructor(table: ContainerTable, events: ContainerEvents) {
    this.#table = table;
    this.#events = events;
  }

  /** Renames a container. @throws {TsdError} container_not_found, invalid_argument, name_in_use */
  rename(nameOrId: string, newName: string): void {
    const container = this.#table.find(nameOrId);
    const { name: oldName } = container;
    const name = changedName(oldName, newName);
    try {
      const info = { name, attributes: { oldName: `/${oldName}` } };
      const renamed = parseContainerName(`/${name}`);
      this.#table.rename(container, renamed, this.#events.telling(container, "rename", info));
    } catch (thrown) {
      throw prefixed("Error when allocating new name", thrown);
    }
  }
}

/** Validates the new name. @throws {TsdError} invalid_argument, with Docker's texts */
function changedName(oldName: string, requested: string): string {
  const name = requested.trim().replace(/^\//, "");
  if (name === "") throw new TsdError("invalid_argument", "Neither old nor new names may be empty");
  if (name === oldName) {
    throw new TsdError("invalid_argument", "Renaming a container with the same name as its current name");
  }
  return name;
}
