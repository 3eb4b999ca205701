// Calls to the server: progress of the upload, cancelling, the token, and errors in the words of the server.

const UNREACHED = "The server cannot be reached. Check that it still runs, then try again.";

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const token = {
  get: () => sessionStorage.getItem("token"),
  set: (value) => sessionStorage.setItem("token", value),
};

function reason(request, text) {
  try {
    return JSON.parse(text).error.message;
  } catch {
    return `The server answered ${request.status} ${request.statusText}. Try again; its log says more.`;
  }
}

// POST when there is a body, GET when not. XMLHttpRequest, because fetch cannot tell how far an upload is.
// `kind` is that of the answer: `json`, or `blob` for a file.
export function call(path, { body, signal, onUpload = () => {}, kind = "json" } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(body === undefined ? "GET" : "POST", path);
    request.responseType = kind === "blob" ? "blob" : "";
    if (token.get()) request.setRequestHeader("Authorization", `Bearer ${token.get()}`);
    if (typeof body === "string") request.setRequestHeader("Content-Type", "application/json");
    request.upload.onprogress = (event) => onUpload(event.lengthComputable ? event.loaded / event.total : undefined);
    request.upload.onload = () => onUpload(1);
    request.onerror = () => reject(new ApiError(0, UNREACHED));
    request.onabort = () => reject(new DOMException("Cancelled.", "AbortError"));
    request.onload = async () => {
      const text = kind === "blob" ? null : request.responseText;
      if (request.status >= 200 && request.status < 300) resolve(text === null ? request.response : JSON.parse(text));
      else reject(new ApiError(request.status, reason(request, text ?? await request.response.text())));
    };
    signal?.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}
