import static org.codelibs.opensearch.runner.OpenSearchRunner.newConfigs;

import org.codelibs.opensearch.runner.OpenSearchRunner;

/** One node of OpenSearch in the folder that is the first argument; the others are its settings, each as key=value. */
public class OpenSearchNode {
    public static void main(String[] arguments) throws InterruptedException {
        OpenSearchRunner runner = new OpenSearchRunner();
        runner.onBuild((number, settings) -> {
            for (int i = 1; i < arguments.length; i++) {
                String[] pair = arguments[i].split("=", 2);
                settings.put(pair[0], pair[1]);
            }
        });
        runner.build(newConfigs().basePath(arguments[0]).numOfNode(1).useLogger().printOnFailure());
        Thread.sleep(Long.MAX_VALUE);
    }
}
