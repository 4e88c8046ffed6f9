/** Folder of everything that may be thrown away and made again: virtual environments, database templates. */
export declare const cacheFolder: string;
/** @returns the folder `bin` of the tools' environment (uv, moto_server, …); installs it when it is missing */
export declare function ensureTools(): string;
