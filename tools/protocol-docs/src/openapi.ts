import { testGateway } from "../../../apps/gateway/test/support/test-gateway.ts";

/** The document as a gateway serves it: every route that it has, and what each says about itself. */
export async function servedOpenapi(): Promise<unknown> {
  await using gateway = await testGateway();
  const answer = await gateway.app.inject("/openapi.json");
  if (answer.statusCode !== 200) throw new Error(`/openapi.json: ${answer.body}`);
  return answer.json();
}
