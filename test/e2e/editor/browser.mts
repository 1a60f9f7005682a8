/** The system's Chromium, driven by playwright-core: nothing is downloaded. */
import { existsSync } from 'node:fs';

import { chromium, type Browser } from 'playwright-core';

const USUAL_PLACES = [
	'/usr/bin/chromium',
	'/usr/bin/chromium-browser',
	'/usr/bin/google-chrome',
	'/usr/bin/google-chrome-stable',
	'/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
	'/Applications/Chromium.app/Contents/MacOS/Chromium',
	'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** @throws Error that says how to get a browser, if there is none */
export async function openBrowser(): Promise<Browser> {
	const named = process.env['CHROMIUM_PATH'];
	if (named !== undefined && !existsSync(named)) {
		throw new Error(`CHROMIUM_PATH is "${named}", and there is no such file.`);
	}
	const executablePath = named ?? USUAL_PLACES.find((place) => existsSync(place));
	if (executablePath === undefined) {
		throw new Error(
			'No Chromium or Chrome was found. Install one (Debian, Ubuntu: sudo apt-get install -y chromium) or set CHROMIUM_PATH.',
		);
	}
	return await chromium.launch({
		executablePath,
		args: [
			'--headless',
			// Containers have no user namespaces; the browser only sees pages of this machine.
			'--no-sandbox',
			'--disable-gpu',
			'--disable-quic',
			'--no-first-run',
			'--disable-background-networking',
			'--disable-component-update',
			'--disable-sync',
		],
	});
}
