import type { Difference, Scenario, Step } from "../scenario.ts";
import { reworded } from "./today.ts";

const CONFIG = '{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}';
const WINDOWS = '{"os":"windows","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}';

const item = (fields: string): string => `[{"Config":"c.json","Layers":[],${fields}}]`;

/** Archives of an image without layers, by file name; the content of `manifest.json`. */
const MANIFESTS: Readonly<Record<string, string>> = {
  good: item('"RepoTags":["empty:1","host.test/empty:2"]'),
  nameless: item('"RepoTags":null'),
  none: "[]",
  null: "null",
  untagged: item('"RepoTags":["empty"]'),
  badname: item('"RepoTags":["../../UP:t"]'),
  layers: '[{"Config":"c.json","Layers":["x"],"RepoTags":["empty:1"]}]',
  windows: '[{"Config":"w.json","Layers":[],"RepoTags":["empty:1"]}]',
};

const MAKE: Step = {
  line: "run -i --rm --network none -v @{folder}:/seen -w /seen busybox sh -eu",
  stdin: [
    `echo '${CONFIG}' >c.json`,
    `echo '${WINDOWS}' >w.json`,
    ...Object.entries(MANIFESTS).map(([name, manifest]) =>
      `echo '${manifest}' >manifest.json; tar -cf ${name}.tar c.json w.json manifest.json`
    ),
    "gzip -c good.tar >good.tar.gz",
  ].join("\n"),
};

const WITH_STATUS: Difference = {
  says: /^! (?=.)/m,
  now: "! Error response from daemon: ",
  why: "an archive that nothing comes of has a status that says so, not only a line in a stream",
};

/** Returns a step in which a load fails. */
const refused = (name: string, ...managed: readonly Difference[]): Step => ({
  line: `load -i @{folder}/${name}.tar`,
  managed: [...managed, WITH_STATUS],
});

export const IMAGE_ARCHIVES: readonly Scenario[] = [
  {
    name: "save and load: there and back",
    images: true,
    steps: [
      "pull -q tiny:1",
      "pull -q tiny:2",
      "tag tiny:1 second:1",
      { line: "images -q --no-trunc tiny:1", keep: "tiny" },
      "save -o @{folder}/one.tar tiny:1",
      "image save -o @{folder}/all.tar tiny second:1",
      "save -o @{folder}/id.tar @{tiny}",
      { line: "save tiny:1", hides: { stdout: "an archive; what is in it depends on the version" } },
      "rmi tiny:1 tiny:2 second:1",
      "load -i @{folder}/one.tar",
      "image load -q -i @{folder}/one.tar",
      "inspect -f '{{.Id}} {{.RepoTags}} {{.RepoDigests}} {{.RootFS.Layers}}' tiny:1",
      "history --no-trunc tiny:1",
      { line: "load -i @{folder}/all.tar", unordered: true },
      { line: "images --format '{{.Repository}}:{{.Tag}} {{.ID}}'", unordered: true },
      "tag tiny:2 tiny:1",
      "load -i @{folder}/one.tar",
      { line: "images --format '{{.Repository}}:{{.Tag}} {{.ID}}'", unordered: true },
      "rmi -f @{tiny}",
      "load -i @{folder}/id.tar",
      "images --format '{{.Repository}}:{{.Tag}} {{.ID}}' --filter dangling=true",
    ],
  },
  {
    name: "save and load: what goes wrong",
    images: true,
    steps: [
      MAKE,
      "save absent",
      "save absent:1",
      "save busybox:absent",
      "save busybox absent",
      "save UPPER",
      "save -o @{folder}/x.tar absent",
      "save",
      "save -o /no/where/x busybox",
      "load x",
      "load -i /no/such/file",
      "load -i @{folder}/good.tar",
      "load -i @{folder}/good.tar.gz",
      { line: "images --format '{{.Repository}}:{{.Tag}}'", unordered: true },
      "load -i @{folder}/nameless.tar",
      {
        line: "load -i @{folder}/none.tar",
        managed: [{ says: "> \n", now: "", why: "an empty line says nothing" }],
      },
      {
        line: "load -i @{folder}/null.tar",
        today: [{
          says: "> \n= 0",
          now: "! Error response from daemon: invalid manifest, manifest cannot be null (but can be [])\n= 1",
          why: "refused since Docker 25",
        }],
      },
      refused("untagged"),
      refused("badname", reworded("repository name must", "repository name (../UP) must")),
      refused("layers"),
      refused("windows"),
      { line: "images --format '{{.Repository}}:{{.Tag}}'", unordered: true },
    ],
  },
];
