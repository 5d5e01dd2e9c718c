/** Names copies whose source is a symbolic link that was followed. Pure. */
import { baseName, requestsContent } from "../../../archive/mod.ts";

/**
 * Returns the path to which a link leads, with the suffix (`/`, `/.`) of the given path, and the given path's name if the
 * target's differs.
 * @param written the path as given
 * @param target the path of the link's target
 */
export function followed(written: string, target: string): { readonly path: string; readonly otherName?: string } {
  let path = target;
  if (requestsContent(written) && !requestsContent(path)) path += "/.";
  if (written.endsWith("/") && !path.endsWith("/")) path += "/";
  return baseName(written) === baseName(path) ? { path } : { path, otherName: baseName(written) };
}
