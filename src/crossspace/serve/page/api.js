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

function reason(request) {
  try {
    const answer = JSON.parse(request.responseText);
    return answer.error.message;
  } catch {
    return `The server answered ${request.status} ${request.statusText}. Try again; its log says more.`;
  }
}

// POST when there is a body, GET when not. XMLHttpRequest, because fetch cannot tell how far an upload is.
export function call(path, { body, signal, onUpload = () => {} } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(body === undefined ? "GET" : "POST", path);
    if (token.get()) request.setRequestHeader("Authorization", `Bearer ${token.get()}`);
    if (typeof body === "string") request.setRequestHeader("Content-Type", "application/json");
    request.upload.onprogress = (event) => onUpload(event.lengthComputable ? event.loaded / event.total : undefined);
    request.upload.onload = () => onUpload(1);
    request.onerror = () => reject(new ApiError(0, UNREACHED));
    request.onabort = () => reject(new DOMException("Cancelled.", "AbortError"));
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText));
      else reject(new ApiError(request.status, reason(request)));
    };
    signal?.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}
