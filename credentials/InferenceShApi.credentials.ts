import type {
	IAuthenticateGeneric,
	Icon,
	ICredentialTestRequest,
	ICredentialType,
	INodeProperties,
} from 'n8n-workflow';

export class InferenceShApi implements ICredentialType {
	name = 'inferenceShApi';

	displayName = 'Inference.sh API';

	icon: Icon = { light: 'file:inferencesh.svg', dark: 'file:inferencesh.dark.svg' };

	documentationUrl = 'https://github.com/inference-sh/n8n-nodes-inferencesh#credential';

	properties: INodeProperties[] = [
		{
			displayName: 'API Key',
			name: 'apiKey',
			type: 'string',
			typeOptions: { password: true },
			required: true,
			default: '',
			description:
				'From the settings of your inference.sh account. The key decides which team pays and what may be run.',
		},
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			required: true,
			default: 'https://api.inference.sh',
			description:
				'Change it only if you use a gateway or a server of your own. The API key is sent to this address and to no other.',
		},
		{
			displayName: 'Max Concurrency',
			name: 'maxConcurrency',
			type: 'number',
			typeOptions: { minValue: 0, numberPrecision: 0 },
			default: 0,
			description:
				'How many items may be worked on at the same time with this credential, over all nodes and executions of one n8n process. 0 for no limit. In queue mode each worker counts separately.',
		},
	];

	authenticate: IAuthenticateGeneric = {
		type: 'generic',
		properties: {
			headers: {
				Authorization: '=Bearer {{$credentials.apiKey}}',
			},
		},
	};

	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{ $credentials.baseUrl.trim().replace(/\\/+$/, "") }}',
			// Any valid key may ask for it, whatever scopes it has (docs/api-notes.md §9).
			url: '/scopes',
		},
	};
}
