// The search of the documentation site runs in a worker, and browsers refuse workers to pages that are
// opened as files. For these pages, this class runs the worker's script in a hidden frame.
if (location.protocol === "file:") {
  window.Worker = class {
    constructor(address) {
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.ready = new Promise((resolve) => {
        this.frame.onload = () => resolve(this.load(new URL(address, location.href)));
      });
      document.body.append(this.frame);
    }

    load(url) {
      const inside = this.frame.contentWindow;
      inside.postMessage = (data) => setTimeout(() => this.onmessage?.({ data }));
      const script = inside.document.createElement("script");
      const loaded = new Promise((resolve, reject) => {
        script.onload = resolve;
        script.onerror = reject;
      });
      script.src = url;
      inside.document.body.append(script);
      return loaded;
    }

    postMessage(data) {
      this.ready.then(
        () => this.frame.contentWindow?.onmessage({ data }),
        (error) => this.onerror?.(error),
      );
    }

    terminate() {
      this.frame.remove();
    }
  };
}
