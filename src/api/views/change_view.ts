import type { Change, ChangeKind } from "../../store/driver.ts";
import { bytesOf } from "../../tar/mod.ts";
import type { FilesystemChange } from "../../api_types/mod.ts";

const KINDS: Readonly<Record<ChangeKind, FilesystemChange["Kind"]>> = { modified: 0, added: 1, deleted: 2 };
const DECODER = new TextDecoder();

/** JSON has no bytes: in a name that isn't UTF-8 they become U+FFFD, as in Go's. */
export const changeView = ({ path, kind }: Change): FilesystemChange => ({
  Path: DECODER.decode(bytesOf(path)),
  Kind: KINDS[kind],
});
