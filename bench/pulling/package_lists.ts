/** The packages of Debian 12 in the images, one list for each layer. */

/** Layers above a debootstrap: programs and libraries, languages, many small files, documentation, headers. */
export const SIX_LAYERS: readonly (readonly string[])[] = [
  ["cpp-12", "gcc-12", "g++-12", "libgcc-12-dev", "libstdc++-12-dev", "libllvm14"],
  [
    ...["libexpat1", "libsqlite3-0", "libssl3", "media-types"],
    ...["libpython3.11-minimal", "libpython3.11-stdlib", "python3.11-minimal", "python3.11"],
    ...["python3-django", "python3-sympy", "perl-modules-5.36", "perl-doc", "vim-runtime"],
  ],
  ["golang-1.19-src", "breeze-icon-theme"],
  ["linux-doc-6.1", "texlive-latex-extra"],
  ["libboost1.74-dev", "openjdk-17-jre-headless"],
];

/** One layer of a few hundred files, with most of the bytes in large ones. */
export const ONE_LAYER: readonly string[] = ["golang-1.19-go", "openjdk-17-jre-headless"];

/** Forty layers, as of a Dockerfile that installs one package in each instruction. */
export const FORTY_PACKAGES: readonly string[] = [
  ...["ca-certificates", "curl", "libcurl4", "wget", "nano", "less", "file", "libmagic1", "libmagic-mgc", "openssl"],
  ...["libssl3", "libsqlite3-0", "sqlite3", "jq", "libjq1", "libonig5", "tmux", "procps", "psmisc", "htop"],
  ...["lsof", "strace", "tree", "rsync", "zip", "unzip", "xz-utils", "zstd", "bzip2", "patch"],
  ...["make", "m4", "bc", "time", "gawk", "groff-base", "man-db", "bash-completion", "iproute2", "iputils-ping"],
];
