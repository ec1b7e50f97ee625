// The newest official JavaScript SDKs as clients of the gateway, all driven in one way: ask, and go on with what tools
// answered. Streams are added up by each SDK's own helper. What it makes of an answer is told in no protocol's words.

import { createRequire } from "node:module";

const THINKING_LIMIT = 9000;

const finishOf = (table, told) => table[told] ?? `unknown: ${told}`;

class Chat {
  static finishes = { stop: "end", tool_calls: "tool", length: "length", content_filter: "filter" };

  constructor(load, { url, key, model }) {
    const { OpenAI } = load("openai");
    this.sdk = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
    this.asked = { model, messages: [] };
  }

  ask(prompt, wish, { picture, schema, tool }) {
    const image = { type: "image_url", image_url: { url: `data:image/png;base64,${picture}` } };
    this.asked.messages.push({ role: "user", content: wish.picture ? [{ type: "text", text: prompt }, image] : prompt });
    if (wish.thinks) this.asked.reasoning_effort = "high";
    if (wish.tools) this.asked.tools = [{ type: "function", function: { name: "tide", parameters: tool } }];
    if (wish.schema) {
      this.asked.response_format = { type: "json_schema", json_schema: { name: "tide", schema, strict: true } };
    }
    if (wish.limit) this.asked.max_completion_tokens = wish.limit;
    return this.turn(wish.streamed);
  }

  goOn(results, wish) {
    results.forEach((content, at) => {
      this.asked.messages.push({ role: "tool", tool_call_id: this.calls[at], content });
    });
    return this.turn(wish.streamed);
  }

  async begin(prompt) {
    const stream = await this.sdk.chat.completions.create({
      ...this.asked,
      messages: [{ role: "user", content: prompt }],
      stream: true,
    });
    for await (const _ of stream) break;
  }

  async turn(streamed) {
    const completion = streamed ? await this.streamed() : await this.sdk.chat.completions.create(this.asked);
    const [{ message, finish_reason }] = completion.choices;
    this.asked.messages.push(message);
    const calls = message.tool_calls ?? [];
    this.calls = calls.map((call) => call.id);
    const usage = completion.usage;
    return {
      text: message.content || message.refusal || "",
      thought: message.reasoning_content ?? "",
      calls: calls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]),
      finish: message.refusal ? "filter" : finishOf(Chat.finishes, finish_reason),
      tokens: [usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens, usage.completion_tokens],
    };
  }

  async streamed() {
    const stream = this.sdk.chat.completions.stream({ ...this.asked, stream_options: { include_usage: true } });
    let thought = "";
    // Of members that it does not know, the helper keeps the last piece alone.
    stream.on("chunk", (chunk) => (thought += chunk.choices[0]?.delta.reasoning_content ?? ""));
    const whole = await this.whole(stream);
    if (thought) whole.choices[0].message.reasoning_content = thought;
    return whole;
  }

  async whole(stream) {
    try {
      return await stream.finalChatCompletion();
    } catch (error) {
      // The helper tells in this way that an answer which was to be JSON is cut.
      if (error.constructor.name !== "LengthFinishReasonError") throw error;
      return stream.currentChatCompletionSnapshot;
    }
  }
}

class Responses {
  static reasons = { max_output_tokens: "length", content_filter: "filter" };

  constructor(load, { url, key, model }) {
    const { OpenAI } = load("openai");
    this.sdk = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
    this.asked = { model, input: [], store: false };
  }

  ask(prompt, wish, { picture, schema, tool }) {
    const image = { type: "input_image", detail: "auto", image_url: `data:image/png;base64,${picture}` };
    this.asked.input.push({ role: "user", content: wish.picture ? [{ type: "input_text", text: prompt }, image] : prompt });
    if (wish.thinks) {
      this.asked.reasoning = { effort: "high", summary: "auto" };
      this.asked.include = ["reasoning.encrypted_content"];
    }
    if (wish.tools) this.asked.tools = [{ type: "function", name: "tide", parameters: tool, strict: false }];
    if (wish.schema) this.asked.text = { format: { type: "json_schema", name: "tide", schema, strict: true } };
    if (wish.limit) this.asked.max_output_tokens = wish.limit;
    return this.turn(wish.streamed);
  }

  goOn(results, wish) {
    results.forEach((output, at) => {
      this.asked.input.push({ type: "function_call_output", call_id: this.calls[at], output });
    });
    return this.turn(wish.streamed);
  }

  async begin(prompt) {
    const stream = await this.sdk.responses.create({ ...this.asked, input: prompt, stream: true });
    for await (const event of stream) if (event.type === "response.output_text.delta") break;
  }

  async turn(streamed) {
    const response = streamed
      ? await this.sdk.responses.stream(this.asked).finalResponse()
      : await this.sdk.responses.create(this.asked);
    this.asked.input.push(...response.output);
    const called = response.output.filter((item) => item.type === "function_call");
    this.calls = called.map((item) => item.call_id);
    const parts = response.output.filter((item) => item.type === "message").flatMap((item) => item.content);
    const refused = parts.filter((part) => part.type === "refusal").map((part) => part.refusal);
    const thoughts = response.output.filter((item) => item.type === "reasoning").flatMap((item) => item.summary);
    const { input_tokens, input_tokens_details, output_tokens } = response.usage;
    return {
      text: response.output_text || refused.join(""),
      thought: thoughts.map((part) => part.text).join(""),
      calls: called.map((item) => [item.name, JSON.parse(item.arguments)]),
      finish: refused.length ? "filter" : this.finish(response),
      tokens: [input_tokens, input_tokens_details.cached_tokens, output_tokens],
    };
  }

  finish(response) {
    if (response.status === "incomplete") return finishOf(Responses.reasons, response.incomplete_details.reason);
    return this.calls.length ? "tool" : "end";
  }
}

class Messages {
  static finishes = { end_turn: "end", tool_use: "tool", max_tokens: "length", refusal: "filter" };

  constructor(load, { url, key, model }) {
    const { Anthropic } = load("@anthropic-ai/sdk");
    this.sdk = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
    this.asked = { model, max_tokens: THINKING_LIMIT, messages: [] };
  }

  ask(prompt, wish, { picture, schema, tool }) {
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data: picture } };
    this.asked.messages.push({ role: "user", content: wish.picture ? [{ type: "text", text: prompt }, image] : prompt });
    if (wish.thinks) {
      this.asked.thinking = { type: "adaptive", display: "summarized" };
      this.asked.output_config = { effort: "high" };
    }
    if (wish.tools) this.asked.tools = [{ name: "tide", description: "The tide table.", input_schema: tool }];
    if (wish.schema) this.asked.output_config = { format: { type: "json_schema", schema } };
    if (wish.limit) this.asked.max_tokens = wish.limit;
    return this.turn(wish.streamed);
  }

  goOn(results, wish) {
    const blocks = results.map((content, at) => ({ type: "tool_result", tool_use_id: this.calls[at], content }));
    this.asked.messages.push({ role: "user", content: blocks });
    return this.turn(wish.streamed);
  }

  async begin(prompt) {
    const stream = this.sdk.messages.stream({ ...this.asked, messages: [{ role: "user", content: prompt }] });
    for await (const event of stream) if (event.type === "content_block_delta") break;
  }

  async turn(streamed) {
    const message = streamed
      ? await this.sdk.messages.stream(this.asked).finalMessage()
      : await this.sdk.messages.create(this.asked);
    this.asked.messages.push({ role: "assistant", content: message.content });
    const blocks = (type) => message.content.filter((block) => block.type === type);
    this.calls = blocks("tool_use").map((block) => block.id);
    const { input_tokens, cache_read_input_tokens: read, cache_creation_input_tokens: written } = message.usage;
    return {
      text: blocks("text").map((block) => block.text).join(""),
      thought: blocks("thinking").map((block) => block.thinking).join(""),
      calls: blocks("tool_use").map((block) => [block.name, block.input]),
      finish: finishOf(Messages.finishes, message.stop_reason),
      tokens: [input_tokens + (read ?? 0) + (written ?? 0), read ?? 0, message.usage.output_tokens],
    };
  }
}

class Gemini {
  static finishes = { STOP: "end", MAX_TOKENS: "length", SAFETY: "filter", PROHIBITED_CONTENT: "filter" };

  constructor(load, { url, key, model }) {
    const { GoogleGenAI, ThinkingLevel } = load("@google/genai");
    this.chats = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url } }).chats;
    this.high = ThinkingLevel.HIGH;
    this.model = model;
  }

  ask(prompt, wish, { picture, schema, tool }) {
    const config = {};
    if (wish.thinks) config.thinkingConfig = { includeThoughts: true, thinkingLevel: this.high };
    if (wish.tools) config.tools = [{ functionDeclarations: [{ name: "tide", parametersJsonSchema: tool }] }];
    if (wish.schema) Object.assign(config, { responseMimeType: "application/json", responseJsonSchema: schema });
    if (wish.limit) config.maxOutputTokens = wish.limit;
    this.chat = this.chats.create({ model: this.model, config });
    const parts = [{ text: prompt }];
    if (wish.picture) parts.push({ inlineData: { mimeType: "image/png", data: picture } });
    return this.turn(parts, wish.streamed);
  }

  goOn(results, wish) {
    const parts = results.map((result, at) => {
      const { id, name } = this.calls[at];
      return { functionResponse: { id, name, response: { result } } };
    });
    return this.turn(parts, wish.streamed);
  }

  async begin(prompt) {
    const stream = await this.chats.create({ model: this.model }).sendMessageStream({ message: prompt });
    for await (const _ of stream) break;
  }

  async turn(message, streamed) {
    const chunks = [];
    if (streamed) for await (const chunk of await this.chat.sendMessageStream({ message })) chunks.push(chunk);
    else chunks.push(await this.chat.sendMessage({ message }));
    const told = chunks.flatMap((chunk) => chunk.candidates ?? []);
    const parts = told.flatMap((candidate) => candidate.content?.parts ?? []);
    this.calls = parts.flatMap((part) => part.functionCall ?? []);
    const text = (thought) => parts.filter((part) => !!part.thought === thought).map((part) => part.text ?? "");
    const usage = chunks.at(-1).usageMetadata;
    const finish = finishOf(Gemini.finishes, told.at(-1).finishReason);
    return {
      text: text(false).join(""),
      thought: text(true).join(""),
      calls: this.calls.map((call) => [call.name, call.args ?? {}]),
      finish: finish === "end" && this.calls.length ? "tool" : finish,
      tokens: [
        usage.promptTokenCount + (usage.toolUsePromptTokenCount ?? 0),
        usage.cachedContentTokenCount ?? 0,
        (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0),
      ],
    };
  }
}

const CLIENTS = { openai_chat: Chat, openai_responses: Responses, anthropic_messages: Messages, gemini: Gemini };

/** A client of one protocol, with the SDKs that are installed in a directory. */
export function newClient(told) {
  return new CLIENTS[told.spoken](createRequire(`${told.installed}/`), told);
}
