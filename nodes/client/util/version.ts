/** Version of this package, sent in `User-Agent`; a test keeps it equal to package.json. */
export const PACKAGE_VERSION = '0.2.0';

/** What every request says of who sends it: some hosts refuse those that say nothing. */
export const USER_AGENT = `n8n-nodes-inferencesh/${PACKAGE_VERSION}`;
